// SPDX-License-Identifier: Apache-2.0
// A payment as a value and its two JSON forms: what a client posts ({"id","to","amount"}) and what one party
// sends another ({"id","from","to","amount"}). Amounts are whole units, 1 to 10^15. An id is 1 to 128
// letters, digits,
// '-', '_', '.' or ':'; it is chosen by the client and names the payment at both parties.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::node {

enum class Direction { outgoing, incoming };
enum class PaymentState { pending, settled };

struct Payment {
    std::string id;
    std::string peer;  // the other party's legal name
    std::int64_t amount = 0;
    auto operator<=>(const Payment&) const = default;
};

const char* to_string(Direction direction);
const char* to_string(PaymentState state);

// Errors are bad_input, subject the member. In a request the peer is "to".
Result<Payment> payment_from_request(std::string_view body);
std::string to_request(const Payment& payment);

struct Delivery {
    std::string to;
    Payment payment;  // the peer is the sender
};
Result<Delivery> delivery_from_json(std::string_view body);
std::string to_delivery_json(const Payment& payment, const std::string& sender);

bool is_payment_id(std::string_view id);

}  // namespace understudy::node
