// SPDX-License-Identifier: Apache-2.0
// A data path is reconfigured and closed while it works, and carries ten thousand flows.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>

#include "crowd.hpp"
#include "fixture.hpp"

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
    EXPECT_EQ(connect_error(10011), promises().refuses_ports_without_rule ? ECONNREFUSED : EINPROGRESS);
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
    // Where nobody balances the router itself answers: it has the frontend's address.
    if (!promises().close_is_told) old.send("anybody?\n");
    EXPECT_EQ(old.read_error(), ECONNRESET);
    EXPECT_FALSE(connect().connected());
    open_to({0, 1, 2});
    for (int i = 0; i < 10; ++i) EXPECT_NE(who_answers(), "");
}

TEST_P(Changes, ten_thousand_idle_flows_are_held_and_still_answer) {
    constexpr rlim_t wanted = 10'000;
    // One descriptor a flow for the crowd, in a process of its own; and what else this program has open.
    const rlim_t each = std::max(1U, promises().descriptors_a_flow);
    constexpr rlim_t beside = 400;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit before = limit;
    limit.rlim_cur = std::max(limit.rlim_cur, each * wanted + beside);
    limit.rlim_max = std::max(limit.rlim_max, limit.rlim_cur);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        limit = {before.rlim_max, before.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    const rlim_t room = limit.rlim_cur > beside ? (limit.rlim_cur - beside) / each : 0;
    const auto flows = static_cast<std::uint32_t>(std::min(wanted, room));
    Config config = base_config();
    config.max_connections = static_cast<int>(wanted) + 100;
    std::vector<std::unique_ptr<HoldingBackend>> holding;
    for (std::size_t i = 0; i < backend_count; ++i)
        network_->as_backend(i, [&] {
            holding.push_back(std::make_unique<HoldingBackend>(backend_addresses[i], backend_port));
        });
    std::unique_ptr<Crowd> crowd;
    network_->as_client([&] { crowd = std::make_unique<Crowd>(frontend_address, frontend_port); });
    open(config, to({0, 1, 2}));
    EXPECT_EQ(crowd->open(flows), flows);
    const auto held = [](const RuleCounters& now) {
        std::uint64_t open = 0;
        for (const FlowCounters& backend : now.backends) open += backend.established;
        return open;
    };
    const RuleCounters counted = counters_when([&](const RuleCounters& now) { return held(now) >= flows; });
    EXPECT_EQ(held(counted), flows);
    EXPECT_EQ(crowd->ping(97), (flows + 96) / 97);
    crowd.reset();
    EXPECT_EQ(held(counters_when([&](const RuleCounters& now) { return held(now) == 0; })), 0U);
    close();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    if (flows < wanted)
        GTEST_SKIP() << "held " << flows << " of " << wanted << ": the hard limit of open files is "
                     << before.rlim_max << ", " << each * wanted + beside << " are needed";
}

}  // namespace
}  // namespace understudy::lb::conformance
