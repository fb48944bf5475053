// SPDX-License-Identifier: Apache-2.0
// What a party keeps of its payments, as the payment service sees it. Every call resumes when what it did is
// durable. record() is idempotent by payment id and direction: the first call executes the payment, later
// ones with the same content return the entry as it is, later ones with other content are refused (kind
// bad_input). Any other error means that nothing is known to be done; the same call may be made again.
// Threads: one single-threaded executor; calls may overlap.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/node/core/payment.hpp"

namespace understudy::node {

struct LedgerEntry {
    Payment payment;
    Direction direction = Direction::outgoing;
    PaymentState state = PaymentState::pending;
};

class Ledger {
  public:
    virtual ~Ledger() = default;
    // Writes down, outside the database, that an outgoing payment will be executed.
    virtual boost::asio::awaitable<Result<void>> announce(Payment payment) = 0;
    // Outgoing entries begin pending, incoming ones settled.
    virtual boost::asio::awaitable<Result<LedgerEntry>> record(Direction direction, Payment payment) = 0;
    virtual boost::asio::awaitable<Result<void>> settle(std::string id) = 0;  // an outgoing entry
    virtual boost::asio::awaitable<Result<std::optional<LedgerEntry>>> find(std::string id) = 0;
    // Outgoing payments announced or recorded and not settled.
    virtual boost::asio::awaitable<Result<std::vector<Payment>>> unfinished() = 0;
};

}  // namespace understudy::node
