// SPDX-License-Identifier: Apache-2.0
// What the proxy's threads follow, and the books they keep, without a socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lb/proxy/books.hpp"
#include "lb/proxy/plan.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

Config three_backends() {
    Config config;
    config.name = "lb";
    config.frontend = *parse_address("203.0.113.10");
    for (const char* host : {"a", "b", "c"})
        config.backends.push_back({host, {0xc0000200U + static_cast<std::uint32_t>(host[0])}});
    config.rules.push_back({.name = "p2p", .frontend_port = 10010, .backend_port = 10010, .probe = "p"});
    return config;
}

const RoutingTable all_three{{{{0, 1, 2}}}};

std::shared_ptr<const Plan> plan_of(const Config& config, const RoutingTable& table) {
    auto plan = make_plan(config, table);
    EXPECT_TRUE(plan.has_value());
    return plan.has_value() ? *plan : nullptr;
}

TEST(ProxyPlan, refuses_what_a_proxy_cannot_do_and_says_what_can) {
    const auto refusal = [](auto change) {
        Config config = three_backends();
        change(config);
        const auto plan = make_plan(config, all_three);
        return plan.has_error() && plan.error().kind == ErrorKind::bad_input ? plan.error().message()
                                                                             : std::string("accepted");
    };
    EXPECT_THAT(
        refusal([](Config& config) { config.rules[0].protocol = RuleProtocol::udp; }),
        HasSubstr("rule 'p2p': the proxy data path can't do other protocols than tcp; use data_path"));
    EXPECT_THAT(refusal([](Config& config) { config.rules[0].floating_ip = true; }),
                HasSubstr("floating_ip"));
    EXPECT_THAT(refusal([](Config& config) { config.outbound.emplace(); }), HasSubstr("outbound"));
    EXPECT_THAT(refusal([](Config& config) {
                    config.inbound_nat_rules.push_back({.name = "ssh", .host = "nobody"});
                }),
                HasSubstr("there is no backend 'nobody'"));
    EXPECT_THAT(refusal([](Config& config) { config.rules.push_back(config.rules[0]); }),
                HasSubstr("is for 1 rules, the configuration has 2"));
    EXPECT_THAT(refusal([](Config& config) { config.backends.pop_back(); }),
                HasSubstr("names a backend that there isn't (2)"));
}

TEST(ProxyPlan, what_the_distribution_leaves_out_does_not_move_a_flow) {
    Config config = three_backends();
    const auto backends_of = [&](Distribution distribution) {
        config.rules[0].distribution = distribution;
        const auto plan = plan_of(config, all_three);
        std::set<std::size_t> backends;
        for (std::uint16_t port = 1024; port < 1224; ++port)
            backends.insert(*route(plan->rules[0], {*parse_address("198.51.100.2"), port}, {}));
        return backends.size();
    };
    EXPECT_EQ(backends_of(Distribution::five_tuple), 3U);
    EXPECT_EQ(backends_of(Distribution::source_ip), 1U);
    EXPECT_EQ(backends_of(Distribution::source_ip_protocol), 1U);
}

TEST(ProxyPlan, an_inbound_nat_rule_leads_to_its_backend_whatever_the_table_says) {
    Config config = three_backends();
    config.inbound_nat_rules.push_back(
        {.name = "ssh", .frontend_port = 2222, .host = "b", .backend_port = 22});
    const auto plan = plan_of(config, {{{{}}}});
    ASSERT_EQ(plan->rules.size(), 2U);
    EXPECT_FALSE(route(plan->rules[0], {}, {}));
    EXPECT_EQ(route(plan->rules[1], {}, {}), 1U);
    const std::size_t tried[] = {1};
    EXPECT_FALSE(route(plan->rules[1], {}, tried));
}

TEST(ProxyBooks, go_on_where_rule_and_backend_are_the_same_and_begin_anew_where_not) {
    Config config = three_backends();
    auto books = open_books({}, *plan_of(config, all_three));
    for (std::size_t i = 0; i < 3; ++i) books[0]->backends[i]->counters.total = i + 1;
    books[0]->idle_timeouts = 7;
    config.backends = {config.backends[2], config.backends[1], {"d", config.backends[0].address}};
    config.backends[1].address.bits += 100;  // "b" is another machine now
    books = open_books(books, *plan_of(config, all_three));
    Traffic traffic;
    add_to(traffic, books, 1);
    ASSERT_EQ(traffic.rules.size(), 1U);
    EXPECT_EQ(traffic.rules[0].idle_timeouts, 7U);
    ASSERT_EQ(traffic.rules[0].backends.size(), 3U);
    EXPECT_EQ(traffic.rules[0].backends[0].total, 3U);
    EXPECT_EQ(traffic.rules[0].backends[1].total, 0U);
    EXPECT_EQ(traffic.rules[0].backends[2].total, 0U);
    config.rules[0].name = "other";
    books = open_books(books, *plan_of(config, all_three));
    EXPECT_EQ(books[0]->idle_timeouts, 0U);
}

}  // namespace
}  // namespace understudy::lb
