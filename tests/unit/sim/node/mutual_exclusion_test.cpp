// SPDX-License-Identifier: Apache-2.0
// Golden traces of one machine: what it asks, reports and decides, with the time of each.
#include "sim/node/core/mutual_exclusion.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace understudy::node {
namespace {

const LeaseIdentity self{"/opt/node/primary", "100"};
const LeaseIntervals guide{20s, 40s};

Instant at(Duration since_start) {
    return Instant(since_start);
}

std::string describe(const LeaseAction& action) {
    struct Visitor {
        std::string operator()(const ClaimRow&) const { return "claim"; }
        std::string operator()(const RenewRow&) const { return "renew"; }
        std::string operator()(const LeaseRefused& a) const {
            return fmt::format("refused by {} {}, wait {}", a.holder, a.holder_pid, format_duration(a.wait));
        }
        std::string operator()(const LeaseTaken& a) const {
            return fmt::format("taken version {} from '{}'{}", a.version, a.previous_holder,
                               a.took_over ? " over" : "");
        }
        std::string operator()(const LeaseRenewed& a) const {
            return fmt::format("renewed version {}", a.version);
        }
        std::string operator()(const LeaseLost& a) const { return "lost: " + a.reason; }
        std::string operator()(const EndProcess& a) const { return "end: " + a.reason; }
    };
    return std::visit(Visitor{}, action);
}

class MutualExclusion : public testing::Test {
  protected:
    std::string actions() {
        std::string text;
        for (const LeaseAction& action : machine.take_actions())
            text += (text.empty() ? "" : " | ") + describe(action);
        return text;
    }
    void hold(std::optional<LeaseRow> before = std::nullopt) {
        machine.start(at(0s));
        machine.handle(LeaseAnswered{std::move(before), true}, at(10ms));
        actions();
    }
    std::string timeout(Duration when) {
        machine.on_timeout(at(when));
        return actions();
    }
    std::string answer(LeaseEvent event, Duration when) {
        machine.handle(event, at(when));
        return actions();
    }
    LeaseRow own(std::int64_t version) const { return {self.machine_name, self.pid, version, 20s}; }

    MutualExclusionMachine machine{self, guide};
};

TEST_F(MutualExclusion, takes_an_empty_table_and_renews_at_a_fixed_rate) {
    machine.start(at(0s));
    EXPECT_EQ(actions(), "claim");
    EXPECT_EQ(answer(LeaseAnswered{std::nullopt, true}, 10ms), "taken version 0 from ''");
    EXPECT_TRUE(machine.holding());
    EXPECT_EQ(machine.next_deadline()->when, at(20s));
    EXPECT_EQ(timeout(19999ms), "");
    EXPECT_EQ(timeout(20s), "renew");
    EXPECT_EQ(answer(LeaseAnswered{own(0), true}, 20005ms), "renewed version 1");
    EXPECT_EQ(machine.next_deadline()->when, at(40s));
    EXPECT_EQ(timeout(41s), "renew");
    EXPECT_EQ(answer(LeaseAnswered{own(1), true}, 41005ms), "renewed version 2");
    EXPECT_EQ(machine.next_deadline()->when, at(60s)) << "a late renewal doesn't shift the rate";
}

TEST_F(MutualExclusion, takes_over_from_another_machine_when_the_write_matched) {
    machine.start(at(0s));
    actions();
    EXPECT_EQ(answer(LeaseAnswered{LeaseRow{"/opt/node/backup", "7", 41, 41s}, true}, 10ms),
              "taken version 42 from '/opt/node/backup' over");
}

TEST_F(MutualExclusion, takes_its_own_row_back_without_a_takeover) {
    machine.start(at(0s));
    actions();
    EXPECT_EQ(answer(LeaseAnswered{LeaseRow{self.machine_name, "99", 4, 1s}, true}, 10ms),
              "taken version 5 from '/opt/node/primary'");
}

TEST_F(MutualExclusion, a_refused_machine_sleeps_the_wait_interval_and_ends) {
    machine.start(at(0s));
    actions();
    EXPECT_EQ(answer(LeaseAnswered{LeaseRow{"/opt/node/backup", "7", 4, 1s}, false}, 10ms),
              "refused by /opt/node/backup 7, wait 40s");
    EXPECT_FALSE(machine.holding());
    EXPECT_EQ(machine.next_deadline()->when, at(40010ms));
    EXPECT_EQ(timeout(40009ms), "");
    EXPECT_EQ(timeout(40010ms), "end: the lease is held by another host");
    EXPECT_FALSE(machine.next_deadline());
}

TEST_F(MutualExclusion, a_missing_row_loses_the_lease) {
    hold();
    timeout(20s);
    EXPECT_EQ(answer(LeaseAnswered{std::nullopt, false}, 20005ms),
              "lost: the lease row is missing | end: the lease row is missing");
}

TEST_F(MutualExclusion, a_row_of_another_machine_loses_the_lease) {
    hold();
    timeout(20s);
    EXPECT_EQ(answer(LeaseAnswered{LeaseRow{"/opt/node/backup", "7", 1, 0s}, false}, 20005ms),
              "lost: the lease row is held by /opt/node/backup, process 7 | end: the lease row is held by "
              "/opt/node/backup, "
              "process 7");
}

TEST_F(MutualExclusion, a_row_of_another_process_on_the_same_machine_loses_the_lease) {
    hold();
    timeout(20s);
    EXPECT_EQ(answer(LeaseAnswered{LeaseRow{self.machine_name, "101", 1, 0s}, false}, 20005ms),
              "lost: the lease row is held by /opt/node/primary, process 101 | end: the lease row is held by "
              "/opt/node/primary, process 101");
}

TEST_F(MutualExclusion, a_version_that_moved_between_read_and_write_loses_the_lease) {
    hold();
    timeout(20s);
    EXPECT_EQ(answer(LeaseAnswered{own(0), false}, 20005ms),
              "lost: the lease row was changed by another process | end: the lease row was changed by "
              "another process");
}

TEST_F(MutualExclusion, a_lost_database_ends_the_process_at_once) {
    hold();
    timeout(20s);
    EXPECT_EQ(
        answer(DatabaseLost{"connection reset"}, 20005ms),
        "lost: database connection lost: connection reset | end: database connection lost: connection reset");
}

TEST_F(MutualExclusion, an_unanswered_renewal_ends_the_process_half_way_to_the_wait_interval) {
    hold();
    timeout(20s);
    EXPECT_EQ(machine.next_deadline()->when, at(30s))
        << "the claim was sent at 0 s; 20 s + (40 s - 20 s) / 2";
    EXPECT_EQ(timeout(29999ms), "");
    EXPECT_EQ(timeout(30s), "lost: no renewal was confirmed for 30s | end: no renewal was confirmed for 30s");
}

TEST_F(MutualExclusion, the_limit_counts_from_the_send_time_of_the_last_confirmed_renewal) {
    hold();
    timeout(20s);
    answer(LeaseAnswered{own(0), true}, 29s);
    EXPECT_EQ(timeout(40s), "renew");
    EXPECT_EQ(machine.next_deadline()->when, at(50s)) << "sent at 20 s, not answered at 29 s";
}

TEST_F(MutualExclusion, an_answer_after_the_limit_is_worth_nothing) {
    hold();
    timeout(20s);
    EXPECT_EQ(answer(LeaseAnswered{own(0), true}, 31s),
              "lost: no renewal was confirmed for 30s | end: no renewal was confirmed for 30s");
}

TEST_F(MutualExclusion, an_unanswered_claim_ends_the_process) {
    machine.start(at(0s));
    actions();
    EXPECT_EQ(timeout(30s), "end: the database did not answer the claim within 30s");
}

TEST(LeaseDecision, another_machines_row_is_taken_only_when_older_than_the_wait_interval) {
    const LeaseRow row{"/opt/node/backup", "7", 3, 40s};
    EXPECT_TRUE(std::holds_alternative<LeaveRow>(decide_claim(row, self, 40s)));
    const LeaseRow older{"/opt/node/backup", "7", 3, 40s + 1ms};
    const RowDecision decision = decide_claim(older, self, 40s);
    ASSERT_TRUE(std::holds_alternative<UpdateRow>(decision));
    EXPECT_EQ(std::get<UpdateRow>(decision).expected_version, 3);
}

TEST(LeaseDecision, two_hosts_of_one_machine_name_exclude_nothing) {
    const LeaseRow fresh{self.machine_name, "another process", 3, 0s};
    EXPECT_TRUE(std::holds_alternative<UpdateRow>(decide_claim(fresh, self, 40s)))
        << "the trap of a copied machine name";
    EXPECT_TRUE(std::holds_alternative<LeaveRow>(decide_renewal(fresh, self)))
        << "the first one notices at its next renewal";
    const LeaseRow same_pid{self.machine_name, self.pid, 3, 0s};
    EXPECT_TRUE(std::holds_alternative<UpdateRow>(decide_renewal(same_pid, self)))
        << "equal pids: never noticed";
}

}  // namespace
}  // namespace understudy::node
