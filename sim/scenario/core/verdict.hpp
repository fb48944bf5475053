// SPDX-License-Identifier: Apache-2.0
// What a scenario's `always` says of a run's books: one failure in words for each count above what it allows.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/core/message_book.hpp"
#include "sim/scenario/core/scenario.hpp"

namespace understudy::scenario {

struct PaymentCounts {
    std::int64_t acknowledged = 0;
    std::int64_t lost = 0;
    std::int64_t duplicated = 0;
};

std::vector<std::string> judge_payments(const Always& always, const PaymentCounts& counts);
std::vector<std::string> judge_messages(const Always& always, const MessageCounts& counts);

}  // namespace understudy::scenario
