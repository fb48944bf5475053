// SPDX-License-Identifier: Apache-2.0
// The commands of the data path passthrough: golden files in tests/unit/lb/passthrough, one for each case
// (UNDERSTUDY_REWRITE_TRACES=1 rewrites them; read the difference before it is committed), and what must hold
// whatever the settings. Buckets are shown by their number for each backend: 1024 lines say less.
#include "lb/core/passthrough_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"

namespace understudy::lb {
namespace {

PassthroughSettings two_backends() {
    PassthroughSettings settings;
    settings.name = "corda-lb";
    settings.frontend = *parse_address("203.0.113.10");
    settings.backends = {{"corda-primary", *parse_address("192.0.2.11")},
                         {"corda-backup", *parse_address("192.0.2.12")}};
    return settings;
}

PassthroughSettings::Rule rule(const std::string& name, FlowProtocol protocol, std::uint16_t frontend_port,
                               std::uint16_t backend_port) {
    PassthroughSettings::Rule made;
    made.name = name;
    made.protocol = protocol;
    made.frontend_port = frontend_port;
    made.backend_port = backend_port;
    made.idle_timeout = 4min;
    return made;
}

PassthroughRules configured(const PassthroughSettings& settings) {
    PassthroughRules rules;
    const Result<void> done = rules.configure(settings);
    EXPECT_TRUE(done.has_value()) << done.error().message();
    return rules;
}

std::string shortened(const NftTransactions& transactions) {
    std::istringstream lines(fmt::format("{}", fmt::join(transactions, "# next transaction\n")));
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const auto open = line.find("_buckets { 0x");
        if (open == std::string::npos) {
            out += line + "\n";
            continue;
        }
        std::map<std::string, int> counts;
        for (std::size_t at = line.find(" : ", open); at != std::string::npos; at = line.find(" : ", at + 1))
            ++counts[line.substr(at + 3, line.find_first_of(",}", at) - at - 3 -
                                             (line.find(',', at) == std::string::npos ? 1 : 0))];
        out += line.substr(0, open + 8) + " {";
        for (const auto& [target, count] : counts) out += fmt::format(" {} × {}", count, target);
        out += "}\n";
    }
    return out;
}

const std::map<std::string, std::function<NftTransactions()>> cases = {
    {"tcp_rule",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010)};
         return render_table(configured(settings).table({{{{0, 1}}}}));
     }},
    {"nobody_is_eligible",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010)};
         return render_table(configured(settings).table({{{{}}}}));
     }},
    {"udp_by_source_and_protocol",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("syslog", FlowProtocol::udp, 514, 5514)};
         settings.rules[0].distribution = Distribution::source_ip_protocol;
         settings.rules[0].idle_timeout = 2500ms;
         return render_table(configured(settings).table({{{{1}}}}));
     }},
    {"ha_ports_with_reset",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("everything", FlowProtocol::all, 0, 0)};
         settings.rules[0].distribution = Distribution::source_ip;
         settings.rules[0].tcp_reset = true;
         return render_table(configured(settings).table({{{{0}}}}));
     }},
    {"floating_ip",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("sql", FlowProtocol::tcp, 1433, 1433)};
         settings.rules[0].floating_ip = true;
         return render_table(configured(settings).table({{{{0, 1}}}}));
     }},
    {"inbound_nat",
     [] {
         auto settings = two_backends();
         settings.inbound_nat = {{rule("ssh-primary", FlowProtocol::tcp, 2201, 22), 0},
                                 {rule("ssh-backup", FlowProtocol::tcp, 2202, 22), 1}};
         settings.inbound_nat[1].rule.tcp_reset = true;
         return render_table(configured(settings).table({}));
     }},
    {"outbound",
     [] {
         auto settings = two_backends();
         settings.outbound =
             PassthroughSettings::Outbound{1024, 4min, true, {*parse_network("192.0.2.0/24")}};
         return render_table(configured(settings).table({}));
     }},
    {"a_backend_goes",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010),
                           rule("rpc", FlowProtocol::tcp, 10005, 10005)};
         const auto rules = configured(settings);
         return render_change(rules.table({{{{0, 1}}, {{0, 1}}}}), rules.table({{{{1}}, {{0, 1}}}}));
     }},
    {"a_rule_and_a_backend_are_exchanged",
     [] {
         auto settings = two_backends();
         settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010),
                           rule("rpc", FlowProtocol::tcp, 10005, 10005)};
         auto rules = configured(settings);
         const auto before = rules.table({{{{0, 1}}, {{0, 1}}}});
         settings.rules[1] = rule("http", FlowProtocol::tcp, 80, 10004);
         settings.backends[0] = {"corda-third", *parse_address("192.0.2.13")};
         EXPECT_TRUE(rules.configure(settings).has_value());
         return render_change(before, rules.table({{{{0, 1}}, {{0, 1}}}}));
     }},
};

TEST(PassthroughRules, gives_the_commands_of_every_golden_file) {
    for (const auto& [name, commands] : cases) {
        SCOPED_TRACE(name);
        const auto path = test::source_directory() / "tests/unit/lb/passthrough" / (name + ".nft");
        const std::string given = shortened(commands());
        if (std::getenv("UNDERSTUDY_REWRITE_TRACES") != nullptr) {
            std::ofstream(path) << given;
            continue;
        }
        EXPECT_EQ(test::content_of(path), given);
    }
}

TEST(PassthroughRules, the_buckets_are_those_of_the_distribution_and_no_flow_has_two_answers) {
    auto settings = two_backends();
    settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010)};
    const auto rules = configured(settings);
    const std::vector<Candidate> both{{0, identity_of("corda-primary")}, {1, identity_of("corda-backup")}};
    const auto expected = bucket_table(both);
    const NftTable made = rules.table({{{{0, 1}}}});
    const auto& elements = made.sets.at("rule1_buckets").elements;
    ASSERT_EQ(elements.size(), bucket_count);  // a map: one value for each key
    std::size_t bucket = 0;
    for (const auto& [key, value] : elements) {
        EXPECT_EQ(key, fmt::format("{:#05x}", bucket));
        EXPECT_EQ(value, fmt::format("goto rule1_backend{}", expected[bucket] + 1));
        ++bucket;
    }
}

TEST(PassthroughRules, a_change_that_changes_nothing_has_no_commands) {
    for (const auto& routing : {RoutingTable{{{{0, 1}}}}, RoutingTable{{{{}}}}}) {
        auto settings = two_backends();
        settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010)};
        settings.outbound = PassthroughSettings::Outbound{1024, 4min, true, {}};
        auto rules = configured(settings);
        const NftTable before = rules.table(routing);
        ASSERT_TRUE(rules.configure(settings).has_value());
        EXPECT_EQ(render_change(before, rules.table(routing)), NftTransactions{});
    }
}

TEST(PassthroughRules, ids_stay_with_names_and_are_never_given_again) {
    auto settings = two_backends();
    settings.rules = {rule("p2p", FlowProtocol::tcp, 10010, 10010),
                      rule("rpc", FlowProtocol::tcp, 10005, 10005)};
    auto rules = configured(settings);
    const std::uint32_t p2p = rules.mark_of({0, 1});
    const std::uint32_t rpc = rules.mark_of({1, 0});
    EXPECT_EQ(rules.flow_of(rpc), (MarkedFlow{1, 0}));
    settings.rules = {rule("http", FlowProtocol::tcp, 80, 80), rule("p2p", FlowProtocol::tcp, 10010, 10010)};
    settings.backends[0].address = *parse_address("192.0.2.13");
    ASSERT_TRUE(rules.configure(settings).has_value());
    EXPECT_EQ(rules.mark_of({1, 1}), p2p);
    EXPECT_EQ(rules.flow_of(rpc), std::nullopt);
    EXPECT_EQ(rules.flow_of(p2p), (MarkedFlow{1, 1}));
    EXPECT_EQ(rules.flow_of(rules.mark_of({0, 0})), (MarkedFlow{0, 0}));
    EXPECT_NE(rules.mark_of({1, 0}) & 0xffff, rpc & 0xffff) << "another address is another backend";
}

TEST(PassthroughRules, refuses_names_that_nft_would_read_as_more_than_a_name) {
    for (const char* name : {"", "a;b", "a b", "a\"", "a{", "a\n"}) {
        auto settings = two_backends();
        settings.rules = {rule(name, FlowProtocol::tcp, 1, 1)};
        EXPECT_TRUE(PassthroughRules().configure(settings).has_error()) << name;
        settings = two_backends();
        settings.name = name;
        EXPECT_TRUE(PassthroughRules().configure(settings).has_error()) << name;
        settings = two_backends();
        settings.backends[0].host = name;
        EXPECT_TRUE(PassthroughRules().configure(settings).has_error()) << name;
    }
}

TEST(PassthroughRules, refuses_outbound_ranges_that_do_not_fit_an_address) {
    auto settings = two_backends();
    settings.outbound = PassthroughSettings::Outbound{32'000, 4min, false, {}};
    EXPECT_TRUE(PassthroughRules().configure(settings).has_value());
    settings.outbound->ports_per_backend = 32'008;
    const auto refused = PassthroughRules().configure(settings);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    EXPECT_EQ(refused.error().remedy, "at most 32000");
}

}  // namespace
}  // namespace understudy::lb
