// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/payment.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace understudy::node {
namespace {

constexpr std::size_t longest_id = 128;
constexpr std::size_t longest_name = 255;
constexpr std::int64_t greatest_amount = 1'000'000'000'000'000;

Result<json::object> object_from(std::string_view body) {
    boost::system::error_code failure;
    json::value parsed = json::parse(json::string_view(body.data(), body.size()), failure);
    if (failure || !parsed.is_object()) return Error(ErrorKind::bad_input, "body", "is not a JSON object");
    return std::move(parsed.get_object());
}

Result<std::string> name_member(const json::object& object, const char* member) {
    const auto* value = object.if_contains(member);
    if (value == nullptr || !value->is_string())
        return Error(ErrorKind::bad_input, member, "is missing or no string");
    const auto& text = value->get_string();
    if (text.empty() || text.size() > longest_name)
        return Error(ErrorKind::bad_input, member, "is not from 1 to 255 bytes long")
            .with_number(static_cast<std::int64_t>(text.size()));
    return std::string(text);
}

Result<Payment> payment_from(const json::object& object, const char* peer_member) {
    UNDERSTUDY_TRY(std::string id, name_member(object, "id"));
    if (!is_payment_id(id))
        return Error(ErrorKind::bad_input, "id", "is not 1 to 128 letters, digits, '-', '_', '.' or ':'");
    UNDERSTUDY_TRY(std::string peer, name_member(object, peer_member));
    const auto* amount = object.if_contains("amount");
    if (amount == nullptr || !amount->is_int64() || amount->get_int64() < 1 ||
        amount->get_int64() > greatest_amount)
        return Error(ErrorKind::bad_input, "amount", "is not a whole number from 1 to 10^15");
    return Payment{std::move(id), std::move(peer), amount->get_int64()};
}

}  // namespace

const char* to_string(Direction direction) {
    return direction == Direction::outgoing ? "outgoing" : "incoming";
}
const char* to_string(PaymentState state) {
    return state == PaymentState::pending ? "pending" : "settled";
}

bool is_payment_id(std::string_view id) {
    return !id.empty() && id.size() <= longest_id && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.' || c == ':';
    });
}

Result<Payment> payment_from_request(std::string_view body) {
    UNDERSTUDY_TRY(const json::object object, object_from(body));
    return payment_from(object, "to");
}

std::string to_request(const Payment& payment) {
    return json::serialize(
        json::object{{"id", payment.id}, {"to", payment.peer}, {"amount", payment.amount}});
}

Result<Delivery> delivery_from_json(std::string_view body) {
    UNDERSTUDY_TRY(const json::object object, object_from(body));
    UNDERSTUDY_TRY(Payment payment, payment_from(object, "from"));
    UNDERSTUDY_TRY(std::string to, name_member(object, "to"));
    return Delivery{std::move(to), std::move(payment)};
}

std::string to_delivery_json(const Payment& payment, const std::string& sender) {
    return json::serialize(
        json::object{{"id", payment.id}, {"from", sender}, {"to", payment.peer}, {"amount", payment.amount}});
}

}  // namespace understudy::node
