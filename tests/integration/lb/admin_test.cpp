// SPDX-License-Identifier: Apache-2.0
// The administration of a daemon that runs: its socket, its documents, its changes, and reloads.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/json_text.hpp"
#include "daemon_harness.hpp"
#include "lb/admin/admin_server.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

class AdminTest : public DaemonTest {
  protected:
    void SetUp() override {
        DaemonTest::SetUp();
        config_ = test_config();
        config_.admin_socket = folder_ + "/admin";
        config_.inbound_nat_rules = {inbound_nat_to_a(config_)};
        a_ = std::make_unique<TestBackend>("127.0.0.2", config_.rules[0].backend_port, echo("a"));
        b_ = std::make_unique<TestBackend>("127.0.0.3", config_.rules[0].backend_port, echo("b"));
        daemon_ = std::make_unique<Daemon>(std::vector<std::string>{"--config", written(to_yaml(config_))},
                                           folder_);
        ASSERT_TRUE(daemon_->events().wait("probe_up", "a")) << daemon_->errors();
        ASSERT_TRUE(daemon_->events().wait("probe_up", "b"));
    }

    Result<std::string> ask(const std::string& method, const std::string& target) {
        return io::administrate(config_.admin_socket, method, target);
    }
    json::object state() {
        const auto answer = ask("GET", "/state");
        EXPECT_TRUE(answer.has_value()) << answer.error().message();
        return answer.has_value() ? json::parse(*answer).as_object() : json::object();
    }
    json::object backend(std::size_t place) {
        return state().at("backends").as_array().at(place).as_object();
    }
    std::string who_answers() {
        Peer peer = Peer::connect("127.0.0.1", config_.rules[0].frontend_port);
        return peer.send("who\n") ? peer.read_line() : "";
    }

    Config config_;
    std::unique_ptr<TestBackend> a_, b_;
    std::unique_ptr<Daemon> daemon_;
};

TEST_F(AdminTest, the_state_says_of_each_backend_what_its_probes_found_and_what_it_carried) {
    const std::string served = who_answers();
    const json::object document = state();
    const json::object first = document.at("backends").as_array().at(0).as_object();
    EXPECT_EQ(text_of(first, "host"), "a");
    EXPECT_EQ(text_of(first, "state"), "up");
    EXPECT_NE(text_of(first, "reason"), "");
    const json::object probe = first.at("probes").as_array().at(0).as_object();
    EXPECT_EQ(text_of(probe, "health"), "up");
    EXPECT_THAT(text_of(probe.at("past").as_array().at(0).as_object(), "text"), HasSubstr("answered after"));
    const json::object rule = document.at("rules").as_array().at(0).as_object();
    EXPECT_EQ(rule.at("eligible").as_array().size(), 2U);
    std::int64_t total = 0;
    for (const json::value& flows : rule.at("backends").as_array())
        total += flows.as_object().at("total").to_number<std::int64_t>();
    EXPECT_EQ(total, 1) << "one flow, answered by " << served;
}

TEST_F(AdminTest, metrics_count_what_the_state_counts) {
    std::string served = who_answers();
    ASSERT_EQ(served.size(), 2U);
    served.pop_back();
    const auto metrics = ask("GET", "/metrics");
    ASSERT_TRUE(metrics.has_value()) << metrics.error().message();
    EXPECT_THAT(*metrics, HasSubstr("# TYPE understudy_lb_flows_total counter\n"));
    EXPECT_THAT(*metrics, HasSubstr("understudy_lb_probe_up{backend=\"a\",probe=\"p2p\"} 1\n"));
    EXPECT_THAT(*metrics, HasSubstr("understudy_lb_rule_eligible_backends{rule=\"p2p\"} 2\n"));
    EXPECT_THAT(*metrics,
                HasSubstr("understudy_lb_flows_total{rule=\"p2p\",backend=\"" + served + "\"} 1\n"));
}

TEST_F(AdminTest, state_and_metrics_count_inbound_nat_rules_by_themselves) {
    Peer held = Peer::connect("127.0.0.1", config_.inbound_nat_rules[0].frontend_port);
    ASSERT_TRUE(held.send("who\n"));
    ASSERT_EQ(held.read_line(), "a\n");
    const json::object document = state();
    const json::object nat = document.at("inbound_nat_rules").as_array().at(0).as_object();
    EXPECT_EQ(text_of(nat, "name"), "ssh-a");
    EXPECT_EQ(text_of(nat, "host"), "a");
    EXPECT_EQ(nat.at("total").to_number<int>(), 1);
    EXPECT_EQ(nat.at("established").to_number<int>(), 1);
    const auto metrics = ask("GET", "/metrics");
    ASSERT_TRUE(metrics.has_value()) << metrics.error().message();
    EXPECT_THAT(*metrics, HasSubstr("understudy_lb_flows_established{rule=\"ssh-a\",backend=\"a\"} 1\n"));
    EXPECT_THAT(*metrics, HasSubstr("understudy_lb_flows_total{rule=\"p2p\",backend=\"a\"} 0\n"));
}

TEST_F(AdminTest, a_backend_that_is_disabled_gets_no_new_flow_until_it_is_enabled) {
    ASSERT_TRUE(ask("POST", "/backends/a/disable").has_value());
    ASSERT_TRUE(daemon_->events().wait("backend_disabled", "a"));
    EXPECT_EQ(text_of(backend(0), "state"), "disabled");
    for (int i = 0; i < 20; ++i) ASSERT_EQ(who_answers(), "b\n");
    ASSERT_TRUE(ask("POST", "/backends/a/enable").has_value());
    ASSERT_TRUE(daemon_->events().wait("backend_enabled", "a"));
    EXPECT_EQ(text_of(backend(0), "state"), "up");
}

TEST_F(AdminTest, what_cannot_be_done_is_refused_in_words) {
    EXPECT_THAT(ask("POST", "/backends/c/drain").error().message(), HasSubstr("'c'"));
    EXPECT_EQ(ask("POST", "/backends/c/drain").error().kind, ErrorKind::bad_input);
    EXPECT_THAT(ask("POST", "/backends/a/explode").error().message(), HasSubstr("enable, disable or drain"));
    EXPECT_THAT(ask("GET", "/reload").error().message(), HasSubstr("use POST"));
    EXPECT_THAT(ask("POST", "/state").error().message(), HasSubstr("use GET"));
    EXPECT_THAT(ask("GET", "/nothing").error().message(), HasSubstr("there is /state"));
}

TEST_F(AdminTest, the_socket_is_the_owners_alone_and_goes_with_the_daemon) {
    struct stat found {};
    ASSERT_EQ(::stat(config_.admin_socket.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
    Daemon second({"--config", folder_ + "/lb.yaml"}, folder_);
    EXPECT_EQ(second.exit_status(), 3);
    ASSERT_EQ(::stat(config_.admin_socket.c_str(), &found), 0) << "the second took the first one's socket";
    daemon_->terminate();
    EXPECT_EQ(daemon_->exit_status(), 0);
    EXPECT_NE(::stat(config_.admin_socket.c_str(), &found), 0);
}

TEST_F(AdminTest, a_reload_takes_up_what_changed_and_keeps_connections) {
    Peer held = Peer::connect("127.0.0.1", config_.rules[0].frontend_port);
    ASSERT_TRUE(held.send("who\n"));
    const std::string served = held.read_line();
    config_.backends.pop_back();
    written(to_yaml(config_));
    daemon_->reload();
    ASSERT_TRUE(daemon_->events().wait("reloaded"));
    EXPECT_EQ(state().at("backends").as_array().size(), 1U);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(who_answers(), "a\n");
    ASSERT_TRUE(held.send("who\n"));
    EXPECT_EQ(held.read_line(), served);
}

TEST_F(AdminTest, a_reload_of_a_broken_file_leaves_the_old_one_in_force) {
    written("name: broken\n");
    const auto answer = ask("POST", "/reload");
    ASSERT_TRUE(answer.has_error());
    EXPECT_THAT(answer.error().message(), HasSubstr("lb.yaml"));
    ASSERT_TRUE(daemon_->events().wait("reload_failed"));
    EXPECT_EQ(state().at("backends").as_array().size(), 2U);
    EXPECT_NE(who_answers(), "");
}

}  // namespace
}  // namespace understudy::lb
