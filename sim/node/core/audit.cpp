// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/audit.hpp"

#include <fmt/format.h>

#include <map>

#include "base/json.hpp"

namespace understudy::node {
namespace {

using Entries = std::map<std::string, std::int64_t>;

Entries entries_of(const Audit& audit, Direction direction) {
    Entries entries;
    for (const AuditedPayment& payment : audit.payments)
        if (payment.direction == direction) entries[payment.payment_id] += payment.entries;
    return entries;
}

const json::string* string_member(const json::object& object, const char* member) {
    const auto* value = object.if_contains(member);
    return value == nullptr ? nullptr : value->if_string();
}

}  // namespace

PaymentVerdict compare(const ClientRecord& client, const Audit& payer, const Audit& payee) {
    const Entries paid = entries_of(payer, Direction::outgoing);
    const Entries received = entries_of(payee, Direction::incoming);
    PaymentVerdict verdict;
    verdict.acknowledged = static_cast<std::int64_t>(client.acknowledged.size());
    for (const std::string& id : client.acknowledged)
        if (!paid.contains(id) || !received.contains(id)) verdict.lost.push_back(id);
    std::set<std::string> duplicated;
    for (const Entries* entries : {&paid, &received})
        for (const auto& [id, count] : *entries)
            if (count > 1) duplicated.insert(id);
    verdict.duplicated.assign(duplicated.begin(), duplicated.end());
    return verdict;
}

std::string to_json(const Audit& audit) {
    json::array payments;
    for (const AuditedPayment& payment : audit.payments)
        payments.push_back(json::object{{"payment_id", payment.payment_id},
                                        {"direction", to_string(payment.direction)},
                                        {"entries", payment.entries},
                                        {"state", payment.state}});
    return json::serialize(json::object{{"legal_name", audit.legal_name}, {"payments", std::move(payments)}});
}

Result<Audit> audit_from_json(std::string_view text) {
    const Error malformed(ErrorKind::bad_input, "audit", "is not an audit's JSON document");
    boost::system::error_code failure;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), failure);
    if (failure || !parsed.is_object()) return malformed;
    const auto* legal_name = string_member(parsed.get_object(), "legal_name");
    const auto* payments = parsed.get_object().if_contains("payments");
    if (legal_name == nullptr || payments == nullptr || !payments->is_array()) return malformed;
    Audit audit{std::string(*legal_name), {}};
    for (const json::value& element : payments->get_array()) {
        const auto* object = element.if_object();
        if (object == nullptr) return malformed;
        const auto* id = string_member(*object, "payment_id");
        const auto* direction = string_member(*object, "direction");
        const auto* state = string_member(*object, "state");
        const auto* entries = object->if_contains("entries");
        if (id == nullptr || direction == nullptr || state == nullptr || entries == nullptr ||
            !entries->is_int64())
            return malformed;
        if (*direction != "outgoing" && *direction != "incoming") return malformed;
        audit.payments.push_back({std::string(*id),
                                  *direction == "outgoing" ? Direction::outgoing : Direction::incoming,
                                  entries->get_int64(), std::string(*state)});
    }
    return audit;
}

Result<ClientRecord> client_record_from_lines(std::string_view text) {
    ClientRecord record;
    for (std::int64_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) break;
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        boost::system::error_code failure;
        const json::value parsed = json::parse(json::string_view(line.data(), line.size()), failure);
        const auto* object = failure ? nullptr : parsed.if_object();
        const auto* id = object == nullptr ? nullptr : string_member(*object, "payment");
        const auto* outcome = object == nullptr ? nullptr : string_member(*object, "outcome");
        if (id == nullptr || outcome == nullptr)
            return Error(ErrorKind::bad_input, fmt::format("client record, line {}", number),
                         "is not an attempt");
        record.attempted.insert(std::string(*id));
        if (*outcome == "acknowledged") record.acknowledged.insert(std::string(*id));
    }
    return record;
}

}  // namespace understudy::node
