// SPDX-License-Identifier: Apache-2.0
// Which backend a connection reaches, and what becomes of it when backends come and go.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "harness.hpp"

namespace understudy::lb {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(Proxy, new_connections_go_to_healthy_backends_only) {
    const Config config = test_config();
    TestBackend b("127.0.0.3", config.rules[0].backend_port, echo("b"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("configured"));
    ASSERT_TRUE(balancer.events().wait("ready"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    const auto down = balancer.events().wait("probe_down", "a");
    ASSERT_TRUE(down);
    EXPECT_THAT(down->detail, HasSubstr("refused after"));
    EXPECT_THAT(down->detail, HasSubstr("2nd failure in a row"));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(balancer.who_answers(), "b");
    EXPECT_EQ(balancer.events().count("no_healthy_backend"), 0U);
}

TEST(Proxy, connections_are_spread_over_the_healthy_backends) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    TestBackend b("127.0.0.3", config.rules[0].backend_port, echo("b"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    EXPECT_TRUE(balancer.connect_to_backend("a").connected());
    EXPECT_TRUE(balancer.connect_to_backend("b").connected());
}

TEST(Proxy, a_dead_backend_is_down_after_the_threshold_and_its_connections_are_reset) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    TestBackend b("127.0.0.3", config.rules[0].backend_port, echo("b"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    Peer to_a = balancer.connect_to_backend("a");
    Peer to_b = balancer.connect_to_backend("b");
    a.stop_listening();
    ASSERT_TRUE(balancer.events().wait("probe_down", "a"));
    EXPECT_GE(balancer.events().count("probe_failed", "a"), 2U);
    EXPECT_EQ(to_a.read_error(), ECONNRESET);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(balancer.who_answers(), "b");
    ASSERT_TRUE(to_b.send("still here\n"));
    EXPECT_EQ(to_b.read_line(), "still here\n");
}

TEST(Proxy, established_connections_go_on_when_the_policy_is_keep) {
    Config config = test_config();
    config.on_backend_down = OnBackendDown::keep;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer to_a = balancer.connect_to_backend("a");
    a.stop_listening();
    ASSERT_TRUE(balancer.events().wait("probe_down", "a"));
    ASSERT_TRUE(to_a.send("still here\n"));
    EXPECT_EQ(to_a.read_line(), "still here\n");
}

TEST(Proxy, a_connection_refused_by_one_backend_is_taken_by_another) {
    Config config = test_config();
    const std::uint16_t data_port = free_port();
    config.rules[0].backend_port = data_port;  // probed on another port, so that both are healthy
    TestBackend a_probed("127.0.0.2", config.probes[0].port, echo("a"));
    TestBackend b_probed("127.0.0.3", config.probes[0].port, echo("b"));
    TestBackend b("127.0.0.3", data_port, echo("b"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(balancer.who_answers(), "b");
    const auto failed = balancer.events().wait("connection_failed", "a");
    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->detail, HasSubstr("refused after"));
    EXPECT_GT(balancer.failed_attempts(), 0U);
    EXPECT_EQ(balancer.counters().refused_no_backend, 0U);
}

// A listener whose queue is full drops further SYNs, as a backend does that has lost power.
TEST(Proxy, a_black_holed_backend_costs_the_connect_timeout_and_no_more) {
    Config config = test_config();
    const std::uint16_t data_port = free_port();
    config.rules[0].backend_port = data_port;
    config.connect_timeout = 200ms;
    TestBackend a_probed("127.0.0.2", config.probes[0].port, echo("a"));
    TestBackend b_probed("127.0.0.3", config.probes[0].port, echo("b"));
    TestBackend b("127.0.0.3", data_port, echo("b"));
    const io::UniqueFd hole(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(data_port);
    ::inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
    ASSERT_EQ(::bind(hole.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(hole.get(), 0), 0);
    std::vector<io::UniqueFd> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(fillers.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    for (int i = 0; i < 8; ++i) EXPECT_EQ(balancer.who_answers(), "b");
    const auto failed = balancer.events().wait("connection_failed", "a");
    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->detail, HasSubstr("not answered after"));
}

TEST(Proxy, with_all_backends_down_connections_are_reset_at_once_and_one_success_brings_them_back) {
    Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_down", "b"));
    EXPECT_EQ(balancer.events().count("no_healthy_backend"), 0U);
    a.stop_listening();
    ASSERT_TRUE(balancer.events().wait("no_healthy_backend"));
    for (int i = 0; i < 5; ++i) {
        Peer peer = balancer.connect();
        // The reset may come before connect() has returned.
        if (peer.connected()) {
            EXPECT_EQ(peer.read_error(), ECONNRESET);
        }
    }
    EXPECT_EQ(balancer.counters().refused_no_backend, 5U);
    EXPECT_EQ(balancer.events().count("no_healthy_backend"), 1U);
    balancer.events().forget();
    a.listen_again();
    const auto up = balancer.events().wait("probe_up", "a");
    ASSERT_TRUE(up);
    EXPECT_THAT(up->detail, HasSubstr("first success after"));
    // The very first success is the one that brought it up; the next may have come by now.
    const auto first = balancer.events().wait("probe_succeeded", "a");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->detail, up->detail);
    EXPECT_EQ(balancer.who_answers(), "a");
    EXPECT_TRUE(balancer.events().wait("healthy_backend_again", "a"));
}

TEST(Proxy, a_backend_that_accepts_and_stays_silent_is_left_at_the_idle_timeout) {
    Config config = test_config();
    config.rules[0].idle_timeout = 300ms;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, [](Peer& peer) { peer.read_all(); });
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    ASSERT_TRUE(peer.send("anybody?\n"));
    EXPECT_EQ(peer.read_error(), ECONNRESET);
    EXPECT_EQ(balancer.counters().idle_timeouts, 1U);
    EXPECT_EQ(balancer.connection_count(), 0U);
}

TEST(Proxy, a_connection_that_is_used_outlives_the_idle_timeout) {
    Config config = test_config();
    config.rules[0].idle_timeout = 2s;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    const auto end = std::chrono::steady_clock::now() + 3s;
    while (std::chrono::steady_clock::now() < end) {
        ASSERT_TRUE(peer.send("x\n"));
        ASSERT_EQ(peer.read_line(), "x\n");
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_EQ(balancer.counters().idle_timeouts, 0U);
}

TEST(Proxy, connections_above_the_limit_are_reset) {
    Config config = test_config();
    config.max_connections = 2;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer first = balancer.connect_to_backend("a");
    Peer second = balancer.connect_to_backend("a");
    Peer third = balancer.connect();
    if (third.connected()) {
        EXPECT_EQ(third.read_error(), ECONNRESET);
    }
    EXPECT_EQ(balancer.counters().refused_over_limit, 1U);
    ASSERT_TRUE(first.send("still here\n"));
    EXPECT_EQ(first.read_line(), "still here\n");
}

TEST(Proxy, stopping_resets_what_is_open) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    Peer peer;
    {
        RunningBalancer balancer(config);
        ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
        peer = balancer.connect_to_backend("a");
    }
    EXPECT_EQ(peer.read_error(), ECONNRESET);
}

}  // namespace
}  // namespace understudy::lb
