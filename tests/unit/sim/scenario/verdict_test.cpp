// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/verdict.hpp"

#include <gmock/gmock.h>

namespace understudy::scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Verdict, more_payments_lost_or_duplicated_than_allowed_are_a_failure_each) {
    Always always;
    EXPECT_THAT(judge_payments(always, {10, 5, 5}), IsEmpty());
    always.lost = 0;
    always.duplicated = 1;
    EXPECT_THAT(judge_payments(always, {10, 0, 1}), IsEmpty());
    EXPECT_THAT(judge_payments(always, {10, 1, 2}),
                ElementsAre("1 of 10 acknowledged payments lost; allowed: 0",
                            "2 of 10 acknowledged payments duplicated; allowed: 1"));
}

TEST(Verdict, more_messages_lost_repeated_or_out_of_turn_than_allowed_are_a_failure_each) {
    MessageCounts counts;
    counts.acknowledged = 10;
    counts.lost = 1;
    counts.duplicated = 2;
    counts.out_of_turn = 3;
    Always always;
    EXPECT_THAT(judge_messages(always, counts), IsEmpty());
    always.messages_lost = 1;
    always.messages_duplicated = 2;
    always.messages_out_of_turn = 3;
    EXPECT_THAT(judge_messages(always, counts), IsEmpty());
    always.messages_lost = always.messages_duplicated = always.messages_out_of_turn = 0;
    EXPECT_THAT(judge_messages(always, counts),
                ElementsAre("1 of 10 acknowledged messages lost; allowed: 0",
                            "2 of 10 acknowledged messages arrived again; allowed: 0",
                            "3 of 10 acknowledged messages were acknowledged by a host after another had "
                            "become active; allowed: 0"));
}

}  // namespace
}  // namespace understudy::scenario
