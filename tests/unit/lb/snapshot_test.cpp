// SPDX-License-Identifier: Apache-2.0
#include "lb/snapshot.hpp"

#include <gtest/gtest.h>

#include "lb/config_machine.hpp"

namespace understudy::lb {
namespace {

class SnapshotTest : public ::testing::Test {
  protected:
    SnapshotTest() {
        config_.name = "lb";
        config_.backends = {{"a", {1}}, {"b", {2}}};
        config_.probes = {{.name = "p2p", .port = 1, .threshold = 1},
                          {.name = "rpc", .port = 2, .threshold = 1}};
        config_.rules = {{.name = "p2p", .probe = "p2p"}, {.name = "rpc", .probe = "rpc"}};
    }
    void begin() {
        machine_.emplace(machine_settings_of(config_), now_);
        round({});
    }
    // A round of probes; those named "backend/probe" fail.
    void round(const std::vector<std::string>& failing) {
        for (auto deadline = machine_->next_deadline(); deadline && deadline->when <= now_;
             deadline = machine_->next_deadline())
            machine_->on_timeout(now_);
        for (const MachineAction& action : machine_->take_actions()) {
            const auto* start = std::get_if<StartProbe>(&action);
            if (start == nullptr) continue;
            const std::string name =
                config_.backends[start->backend].host + "/" + config_.probes[start->probe].name;
            const bool fails = std::find(failing.begin(), failing.end(), name) != failing.end();
            machine_->handle(ProbeFinished{start->run, {!fails, 1ms, fails ? "refused" : "answered"}}, now_);
        }
        machine_->take_actions();
        now_ += 5s;
    }
    Snapshot take() { return snapshot_of(config_, *machine_, {}, now_); }

    Config config_;
    Instant now_{};
    std::optional<LoadBalancerMachine> machine_;
};

TEST_F(SnapshotTest, one_probe_down_makes_the_backend_down_for_its_rules_only) {
    begin();
    EXPECT_EQ(take().backends[0].state, BackendState::up);
    EXPECT_EQ(take().backends[0].reason, "p2p: answered, first success");
    round({"a/rpc"});
    const Snapshot taken = take();
    EXPECT_EQ(taken.backends[0].state, BackendState::down);
    EXPECT_EQ(taken.backends[0].reason, "rpc: refused, 1st failure in a row");
    EXPECT_EQ(taken.backends[0].probes[0].health, Health::up);
    EXPECT_EQ(taken.backends[0].probes[1].health, Health::down);
    EXPECT_EQ(taken.backends[0].probes[1].since, Instant(5s));
    EXPECT_EQ(taken.backends[0].probes[1].past.size(), 2U);
    EXPECT_EQ(taken.rules[0].eligible, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(taken.rules[1].eligible, (std::vector<std::string>{"b"}));
}

TEST_F(SnapshotTest, before_its_first_results_a_backend_is_unknown) {
    machine_.emplace(machine_settings_of(config_), now_);
    EXPECT_EQ(take().backends[0].state, BackendState::unknown);
    EXPECT_EQ(take().backends[0].reason, "p2p: no result yet");
    EXPECT_TRUE(take().rules[0].eligible.empty());
}

TEST_F(SnapshotTest, one_probe_that_is_down_counts_for_more_than_one_that_is_unknown) {
    config_.probes[0].threshold = 2;
    machine_.emplace(machine_settings_of(config_), now_);
    round({"a/p2p", "a/rpc"});
    const Snapshot taken = take();
    EXPECT_EQ(taken.backends[0].probes[0].health, Health::unknown);
    EXPECT_EQ(taken.backends[0].state, BackendState::down);
}

TEST_F(SnapshotTest, what_is_wanted_of_a_backend_comes_before_what_its_probes_say) {
    config_.backends[1].enabled = false;
    begin();
    EXPECT_EQ(take().backends[1].state, BackendState::disabled);
    EXPECT_EQ(take().backends[1].reason, "by the configuration");
    machine_->handle(BackendDrain{0}, now_);
    EXPECT_EQ(take().backends[0].state, BackendState::draining);
    machine_->handle(BackendStopped{0, "its VM was stopped"}, now_);
    EXPECT_EQ(take().backends[0].state, BackendState::stopped);
    EXPECT_EQ(take().backends[0].reason, "its VM was stopped");
}

TEST_F(SnapshotTest, only_the_last_ten_results_are_kept) {
    begin();
    for (int i = 0; i < 15; ++i) round({});
    EXPECT_EQ(take().backends[0].probes[0].past.size(), 10U);
    EXPECT_EQ(take().backends[0].probes[0].past.back().at, Instant(75s));
}

TEST_F(SnapshotTest, a_rule_that_falls_back_says_so) {
    config_.probes[0].no_healthy_backends = NoHealthyBackends::all_up;
    begin();
    round({"a/p2p", "b/p2p"});
    EXPECT_TRUE(take().rules[0].falls_back);
    EXPECT_EQ(take().rules[0].eligible, (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(take().rules[1].falls_back);
}

}  // namespace
}  // namespace understudy::lb
