// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/payment_schedule.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace understudy::node {
namespace {

class Schedule : public testing::Test {
  protected:
    // Runs the schedule's own deadlines up to `end`; every attempt is answered at once by `outcome`.
    void run(Duration end, bool acknowledged) {
        while (const auto deadline = schedule.next_deadline()) {
            if (deadline->when >= Instant(end)) return;
            schedule.on_timeout(deadline->when);
            for (const ScheduleAction& action : schedule.take_actions()) {
                if (const auto* start = std::get_if<StartAttempt>(&action)) {
                    ++attempts;
                    payments = std::max(payments, start->payment);
                    if (answer) schedule.attempt_ended(start->payment, acknowledged, deadline->when);
                } else {
                    finished = std::get<Finished>(action);
                }
            }
            for (const ScheduleAction& action : schedule.take_actions())
                if (const auto* end_of_it = std::get_if<Finished>(&action)) finished = *end_of_it;
        }
    }
    PaymentSchedule schedule{{10, 500ms, 5, 2s}, Instant()};
    bool answer = true;
    int attempts = 0;
    std::int64_t payments = 0;
    std::optional<Finished> finished;
};

TEST_F(Schedule, pays_at_the_rate_while_all_is_acknowledged) {
    run(3s, true);
    EXPECT_EQ(payments, 30);
    EXPECT_EQ(attempts, 30);
}

TEST_F(Schedule, goes_on_at_the_rate_while_attempts_hang_up_to_the_bound) {
    answer = false;
    run(3s, true);
    EXPECT_EQ(payments, 5);
    EXPECT_EQ(attempts, 5);
}

TEST_F(Schedule, makes_only_retries_at_the_rate_when_the_bound_is_reached) {
    run(10s, false);
    EXPECT_EQ(payments, 5);
    EXPECT_LE(attempts, 100);
    EXPECT_GT(attempts, 80);
}

TEST_F(Schedule, a_failed_payment_is_retried_with_its_own_id_until_acknowledged) {
    schedule.on_timeout(Instant());
    ASSERT_EQ(std::get<StartAttempt>(schedule.take_actions().at(0)).payment, 1);
    schedule.attempt_ended(1, false, Instant(10ms));
    schedule.on_timeout(Instant(510ms));
    bool retried = false;
    for (const ScheduleAction& action : schedule.take_actions()) {
        const auto& start = std::get<StartAttempt>(action);
        if (start.payment == 1) retried = start.attempt == 2;
    }
    EXPECT_TRUE(retried);
}

TEST_F(Schedule, a_late_driver_makes_no_burst) {
    schedule.on_timeout(Instant(60s));
    EXPECT_EQ(schedule.take_actions().size(), 1u);
}

TEST_F(Schedule, stop_drains_what_is_outstanding_and_makes_nothing_new) {
    run(300ms, false);
    schedule.stop(Instant(300ms));
    run(10s, true);
    EXPECT_EQ(payments, 3);
    ASSERT_TRUE(finished);
    EXPECT_EQ(finished->acknowledged, 3);
    EXPECT_EQ(finished->outstanding, 0);
}

TEST_F(Schedule, stop_gives_up_after_the_drain_timeout) {
    run(300ms, false);
    schedule.stop(Instant(300ms));
    run(10s, false);
    ASSERT_TRUE(finished);
    EXPECT_EQ(finished->outstanding, 3);
    EXPECT_FALSE(schedule.next_deadline());
}

}  // namespace
}  // namespace understudy::node
