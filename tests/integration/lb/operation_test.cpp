// SPDX-License-Identifier: Apache-2.0
// What an administrator does to a balancer at work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "harness.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

class Operation : public ::testing::Test {
  protected:
    void start(Config config) {
        config_ = std::move(config);
        const std::uint16_t port = config_.rules[0].backend_port;
        a_ = std::make_unique<TestBackend>("127.0.0.2", port, echo("a"));
        b_ = std::make_unique<TestBackend>("127.0.0.3", port, echo("b"));
        balancer_ = std::make_unique<RunningBalancer>(config_);
        ASSERT_TRUE(events().wait("probe_up", "a"));
        ASSERT_TRUE(events().wait("probe_up", "b"));
    }
    EventLog& events() { return balancer_->events(); }
    void expect_done(const std::function<Result<void>(LoadBalancer&)>& function) {
        const auto outcome = balancer_->call(function);
        EXPECT_TRUE(outcome.has_value()) << (outcome.has_error() ? outcome.error().message() : "");
    }
    std::string refusal(const std::function<Result<void>(LoadBalancer&)>& function) {
        const auto outcome = balancer_->call(function);
        return outcome.has_error() ? outcome.error().message() : "";
    }

    Config config_;
    std::unique_ptr<TestBackend> a_, b_;
    std::unique_ptr<RunningBalancer> balancer_;
};

TEST_F(Operation, a_draining_backend_takes_no_new_connection_and_is_drained_with_its_last) {
    start(test_config());
    Peer held = balancer_->connect_to_backend("a");
    expect_done([](LoadBalancer& balancer) { return balancer.drain("a"); });
    const auto draining = events().wait("backend_draining", "a");
    ASSERT_TRUE(draining);
    EXPECT_THAT(draining->detail, HasSubstr("a draining: by the administrator"));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(balancer_->who_answers(), "b");
    EXPECT_TRUE(held.send("still\n"));
    EXPECT_EQ(held.read_line(), "still\n");
    EXPECT_EQ(events().count("backend_drained"), 0U);
    held.close();
    const auto drained = events().wait("backend_drained", "a");
    ASSERT_TRUE(drained);
    EXPECT_THAT(drained->detail, HasSubstr("no established flow is left"));
    EXPECT_THAT(refusal([](LoadBalancer& balancer) { return balancer.drain("a"); }),
                HasSubstr("is disabled already"));
    expect_done([](LoadBalancer& balancer) { return balancer.enable("a"); });
    ASSERT_TRUE(events().wait("backend_enabled", "a"));
    EXPECT_TRUE(balancer_->connect_to_backend("a").connected());
}

TEST_F(Operation, a_backend_is_not_drained_while_a_flow_of_an_inbound_nat_rule_is_open) {
    Config config = test_config();
    const InboundNatRule nat = inbound_nat_to_a(config);
    config.inbound_nat_rules = {nat};
    start(config);
    Peer held = Peer::connect("127.0.0.1", nat.frontend_port);
    ASSERT_TRUE(held.send("who\n"));
    ASSERT_EQ(held.read_line(), "a\n");
    EXPECT_EQ(balancer_->snapshot().traffic.inbound_nat.at(0).established, 1U);
    expect_done([](LoadBalancer& balancer) { return balancer.drain("a"); });
    ASSERT_TRUE(events().wait("backend_draining", "a"));
    // The flows were counted before drain() had returned.
    EXPECT_EQ(balancer_->snapshot().backends.at(0).state, BackendState::draining);
    EXPECT_TRUE(held.send("still\n"));
    EXPECT_EQ(held.read_line(), "still\n");
    held.close();
    const auto drained = events().wait("backend_drained", "a");
    ASSERT_TRUE(drained);
    EXPECT_THAT(drained->detail, HasSubstr("no established flow is left"));
    EXPECT_EQ(balancer_->snapshot().traffic.inbound_nat.at(0).total, 1U);
}

TEST_F(Operation, what_a_draining_backend_still_has_at_the_drain_timeout_is_reset) {
    Config config = test_config();
    config.drain_timeout = 200ms;
    start(config);
    Peer held = balancer_->connect_to_backend("a");
    Peer other = balancer_->connect_to_backend("b");
    expect_done([](LoadBalancer& balancer) { return balancer.drain("a"); });
    const auto drained = events().wait("backend_drained", "a");
    ASSERT_TRUE(drained);
    EXPECT_THAT(drained->detail, HasSubstr("1 established flow ended at the drain timeout of 200ms"));
    EXPECT_EQ(held.read_error(), ECONNRESET);
    const auto ended = events().wait("flows_ended", "a");
    ASSERT_TRUE(ended);
    EXPECT_THAT(ended->detail, HasSubstr("rule 'p2p': the flows of a end: "));
    EXPECT_THAT(ended->detail, HasSubstr("drain timeout"));
    EXPECT_TRUE(other.send("on\n"));
    EXPECT_EQ(other.read_line(), "on\n");
}

TEST_F(Operation, a_disabled_backend_keeps_its_connections_and_gets_no_new_one) {
    start(test_config());
    Peer held = balancer_->connect_to_backend("a");
    expect_done([](LoadBalancer& balancer) { return balancer.disable("a"); });
    ASSERT_TRUE(events().wait("backend_disabled", "a"));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(balancer_->who_answers(), "b");
    EXPECT_TRUE(held.send("still\n"));
    EXPECT_EQ(held.read_line(), "still\n");
}

TEST_F(Operation, who_is_stopped_is_not_probed_until_it_runs_again) {
    start(test_config());
    expect_done([](LoadBalancer& balancer) { return balancer.backend_stopped("a", "its VM was stopped"); });
    const auto stopped = events().wait("backend_stopped", "a");
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->detail, "a stopped: its VM was stopped");
    events().forget();
    ASSERT_TRUE(events().wait_for_count("probe_succeeded", "b", 5));
    EXPECT_EQ(events().count("probe_succeeded", "a"), 0U);
    EXPECT_EQ(events().count("probe_failed", "a"), 0U);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(balancer_->who_answers(), "b");
    expect_done([](LoadBalancer& balancer) { return balancer.backend_started("a", "its VM runs"); });
    ASSERT_TRUE(events().wait("probe_up", "a"));
    EXPECT_TRUE(balancer_->connect_to_backend("a").connected());
}

TEST_F(Operation, a_reload_keeps_connections_and_what_is_known_and_says_what_changed) {
    start(test_config());
    Peer held = balancer_->connect_to_backend("a");
    events().forget();
    TestBackend c("127.0.0.4", config_.rules[0].backend_port, echo("c"));
    Config next = config_;
    next.backends.erase(next.backends.begin() + 1);
    next.backends.insert(next.backends.begin(), Backend{"c", *parse_address("127.0.0.4")});
    next.max_connections = 77;
    expect_done([&](LoadBalancer& balancer) { return balancer.reconfigure(next); });
    const auto reloaded = events().wait("reloaded");
    ASSERT_TRUE(reloaded);
    EXPECT_EQ(reloaded->detail, "lb: backend 'b' removed; backend 'c' added; max_connections changed");
    EXPECT_FALSE(balancer_->who_answers().empty()) << "there was somebody up at every moment";
    EXPECT_TRUE(held.send("still\n"));
    EXPECT_EQ(held.read_line(), "still\n");
    ASSERT_TRUE(events().wait("probe_up", "c"));
    EXPECT_TRUE(balancer_->connect_to_backend("c").connected());
    EXPECT_EQ(events().count("probe_up", "a"), 0U) << "it was up before";
    for (int i = 0; i < 20; ++i) EXPECT_NE(balancer_->who_answers(), "b");
}

TEST_F(Operation, a_reload_that_is_refused_leaves_all_as_it_was) {
    start(test_config());
    Config next = config_;
    next.data_path = DataPathKind::passthrough;
    EXPECT_THAT(refusal([&](LoadBalancer& balancer) { return balancer.reconfigure(next); }),
                HasSubstr("data_path: differs, and can't change while the balancer works"));
    next = config_;
    next.backends.pop_back();
    next.rules.push_back(next.rules[0]);
    next.rules[1].name = "taken";
    next.rules[1].frontend_port = free_port();
    TestBackend other("127.0.0.1", next.rules[1].frontend_port, echo("other"));
    EXPECT_THAT(refusal([&](LoadBalancer& balancer) { return balancer.reconfigure(next); }),
                HasSubstr("Address already in use"));
    EXPECT_EQ(events().count("reloaded"), 0U);
    EXPECT_EQ(balancer_->snapshot().backends.size(), 2U);
    EXPECT_TRUE(balancer_->connect_to_backend("b").connected());
}

TEST_F(Operation, a_backend_that_is_not_there_is_named_with_the_nearest) {
    Config config = test_config();
    config.backends[0].host = "corda-primary";
    config.backends[1].host = "corda-backup";
    config_ = config;
    RunningBalancer balancer(config);
    const auto outcome = balancer.call([](LoadBalancer& held) { return held.drain("corda-bakup"); });
    ASSERT_TRUE(outcome.has_error());
    EXPECT_EQ(outcome.error().kind, ErrorKind::bad_input);
    EXPECT_EQ(outcome.error().message(),
              "backend 'corda-bakup': is not in the configuration; did you mean 'corda-backup'?");
}

TEST_F(Operation, a_snapshot_shows_state_reasons_probes_and_traffic) {
    start(test_config());
    Peer held = balancer_->connect_to_backend("a");
    const Snapshot snapshot = balancer_->snapshot();
    ASSERT_EQ(snapshot.backends.size(), 2U);
    EXPECT_EQ(snapshot.backends[0].state, BackendState::up);
    EXPECT_THAT(snapshot.backends[0].reason, HasSubstr("p2p: connect to 127.0.0.2"));
    EXPECT_FALSE(snapshot.backends[0].probes.at(0).past.empty());
    EXPECT_EQ(snapshot.rules.at(0).eligible, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(snapshot.traffic.rules.at(0).backends.at(0).established, 1U);
}

}  // namespace
}  // namespace understudy::lb
