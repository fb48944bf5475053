// SPDX-License-Identifier: Apache-2.0
// A data path is reconfigured and closed while it works, and carries ten thousand flows.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>

#include "fixture.hpp"
#include "holding_backend.hpp"

namespace understudy::lb::conformance {
namespace {

class Changes : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Changes, ::testing::ValuesIn(data_paths()),
                         ::testing::PrintToStringParamName());

TEST_P(Changes, reconfigured_under_load_no_request_fails) {
    serve_echo();
    const Config before = base_config();
    open(before, to({0, 1, 2}));
    Config after = before;
    std::reverse(after.backends.begin(), after.backends.end());
    after.rules[0].idle_timeout = 5min;
    Rule other = after.rules[0];
    other.name = "other";
    other.frontend_port = 10011;
    after.rules.push_back(other);
    std::atomic<bool> done{false};
    std::atomic<int> asked{0};
    std::vector<std::future<int>> clients;
    for (int i = 0; i < 4; ++i)
        clients.push_back(std::async(std::launch::async, [&] {
            int failed = 0;
            while (!done) {
                failed += who_answers().empty() ? 1 : 0;
                ++asked;
            }
            return failed;
        }));
    Peer lasting = connect_to("a");
    for (int i = 0; i < 40; ++i) {
        const auto outcome =
            i % 2 == 0 ? reconfigure(after, {{{{0, 1, 2}}, {{0}}}}) : reconfigure(before, to({0, 1, 2}));
        EXPECT_TRUE(outcome.has_value()) << (outcome.has_error() ? outcome.error().message() : "");
        const int reached = asked + 10;
        const auto end = std::chrono::steady_clock::now() + patience;
        while (asked < reached && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        EXPECT_GE(asked, reached) << "nobody was answered after change " << i;
    }
    done = true;
    for (auto& client : clients) EXPECT_EQ(client.get(), 0) << "of " << asked << " requests";
    ASSERT_TRUE(lasting.send("still here\n"));
    EXPECT_EQ(lasting.read_line(), "still here\n");
}

TEST_P(Changes, counters_follow_rule_and_backend_by_name_wherever_they_are) {
    serve_echo();
    const Config before = base_config();
    open(before, to({0}));
    Peer held = connect_to("a");
    for (int i = 0; i < 4; ++i) EXPECT_EQ(who_answers(), "a");
    Config after = before;
    std::reverse(after.backends.begin(), after.backends.end());
    ASSERT_TRUE(reconfigure(after, to({2})).has_value());
    const RuleCounters counted = counters_when(
        [](const RuleCounters& now) { return now.backends.size() == 3 && now.backends[2].established == 1; });
    EXPECT_EQ(counted.backends.at(2).total, 5U);
    EXPECT_EQ(counted.backends.at(2).established, 1U);
    EXPECT_EQ(counted.backends.at(0).total, 0U);
}

TEST_P(Changes, a_rule_that_goes_takes_no_new_flow_and_its_flows_go_on) {
    serve_echo();
    Config both = base_config();
    Rule other = both.rules[0];
    other.name = "other";
    other.frontend_port = 10011;
    both.rules.push_back(other);
    open(both, {{{{0}}, {{0}}}});
    Peer of_other = connect(client_address, 10011);
    EXPECT_EQ(who(of_other), "a");
    Config one = both;
    one.rules.pop_back();
    ASSERT_TRUE(reconfigure(one, to({0})).has_value());
    EXPECT_EQ(who_answers(), "a");
    EXPECT_FALSE(connect(client_address, 10011).connected()) << "the rule is gone";
    ASSERT_TRUE(of_other.send("still here\n"));
    EXPECT_EQ(of_other.read_line(), "still here\n");
}

TEST_P(Changes, what_is_refused_leaves_the_old_configuration_in_force) {
    serve_echo();
    const Config good = base_config();
    open(good, to({0, 1, 2}));
    Config bad = good;
    bad.rules[0].frontend_port = 10012;
    const auto outcome = reconfigure(bad, {});  // a table of another configuration
    ASSERT_TRUE(outcome.has_error());
    EXPECT_EQ(outcome.error().kind, ErrorKind::bad_input);
    EXPECT_NE(who_answers(), "");
}

TEST_P(Changes, closed_and_opened_again_it_serves_as_before) {
    serve_echo();
    open_to({0, 1, 2});
    Peer old = connect_to("a");
    close();
    if (!promises().ends_at_once) old.send("anybody?\n");
    EXPECT_NE(old.read_error(), 0);
    EXPECT_FALSE(connect().connected());
    open_to({0, 1, 2});
    for (int i = 0; i < 10; ++i) EXPECT_NE(who_answers(), "");
}

TEST_P(Changes, ten_thousand_idle_flows_are_held_and_still_answer) {
    constexpr int flows = 10'000;
    // In this process: the client's, the backends', and two of a data path in user space.
    constexpr rlim_t needed = 4 * flows + 2'000;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit before = limit;
    limit.rlim_cur = needed;
    limit.rlim_max = std::max(limit.rlim_max, needed);
    if (before.rlim_cur < needed && ::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        GTEST_SKIP() << "open files: the hard limit of " << before.rlim_max << " is below " << needed;
    Config config = base_config();
    config.max_connections = flows + 100;
    std::vector<std::unique_ptr<HoldingBackend>> holding;
    for (std::size_t i = 0; i < backend_count; ++i)
        network_->as_backend(i, [&] {
            holding.push_back(std::make_unique<HoldingBackend>(backend_addresses[i], backend_port));
        });
    open(config, to({0, 1, 2}));
    std::vector<Peer> peers;
    peers.reserve(flows);
    for (int i = 0; i < flows; ++i) {
        peers.push_back(connect("198.51.100." + std::to_string(2 + i % 8)));
        ASSERT_TRUE(peers.back().connected()) << "flow " << i << ": errno " << errno;
    }
    const RuleCounters counted = counters_when([](const RuleCounters& now) {
        std::uint64_t open = 0;
        for (const FlowCounters& backend : now.backends) open += backend.established;
        return open >= flows;
    });
    std::uint64_t held = 0;
    for (const FlowCounters& backend : counted.backends) held += backend.established;
    EXPECT_EQ(held, static_cast<std::uint64_t>(flows));
    for (int i = 0; i < flows; i += 97) {
        ASSERT_TRUE(peers[static_cast<std::size_t>(i)].send("ping\n"));
        EXPECT_EQ(peers[static_cast<std::size_t>(i)].read_line(), "ping\n") << "flow " << i;
    }
    peers.clear();
    const RuleCounters after = counters_when([](const RuleCounters& now) {
        return std::all_of(now.backends.begin(), now.backends.end(),
                           [](const FlowCounters& backend) { return backend.established == 0; });
    });
    for (const FlowCounters& backend : after.backends) EXPECT_EQ(backend.established, 0U);
}

}  // namespace
}  // namespace understudy::lb::conformance
