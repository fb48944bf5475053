// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/verdict.hpp"

#include <fmt/format.h>

namespace understudy::scenario {
namespace {

void judge_count(std::vector<std::string>& failures, const std::optional<std::int64_t>& allowed,
                 std::int64_t count, std::int64_t acknowledged, const char* what) {
    if (allowed && count > *allowed)
        failures.push_back(
            fmt::format("{} of {} acknowledged {}; allowed: {}", count, acknowledged, what, *allowed));
}

}  // namespace

std::vector<std::string> judge_payments(const Always& always, const PaymentCounts& counts) {
    std::vector<std::string> failures;
    judge_count(failures, always.lost, counts.lost, counts.acknowledged, "payments lost");
    judge_count(failures, always.duplicated, counts.duplicated, counts.acknowledged, "payments duplicated");
    return failures;
}

std::vector<std::string> judge_messages(const Always& always, const MessageCounts& counts) {
    std::vector<std::string> failures;
    const auto judge = [&](const std::optional<std::int64_t>& allowed, std::int64_t count, const char* what) {
        judge_count(failures, allowed, count, counts.acknowledged, what);
    };
    judge(always.messages_lost, counts.lost, "messages lost");
    judge(always.messages_duplicated, counts.duplicated, "messages arrived again");
    judge(always.messages_out_of_turn, counts.out_of_turn,
          "messages were acknowledged by a host after another had become active");
    return failures;
}

}  // namespace understudy::scenario
