// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/security_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vmctl/network/service_tags.hpp"

namespace understudy::vmctl {
namespace {

using ::testing::HasSubstr;

const Ipv4Address in_network = parse_address("192.0.2.11").value();
const Ipv4Address neighbour = parse_address("192.0.2.12").value();
const Ipv4Address outside = parse_address("198.51.100.7").value();

SecurityRule rule(std::string name, int priority, RuleAccess access) {
    SecurityRule result;
    result.name = std::move(name);
    result.priority = priority;
    result.access = access;
    return result;
}

Flow tcp(Ipv4Address from, Ipv4Address to, std::uint16_t port) {
    return {RuleProtocol::tcp, from, to, port};
}

std::string inbound(const SecurityGroup& group, const Flow& flow) {
    const Verdict verdict = evaluate(group, RuleDirection::inbound, flow, tags);
    return (verdict.access == RuleAccess::allow ? "allow " : "deny ") + verdict.rule;
}

std::string outbound(const SecurityGroup& group, const Flow& flow) {
    const Verdict verdict = evaluate(group, RuleDirection::outbound, flow, tags);
    return (verdict.access == RuleAccess::allow ? "allow " : "deny ") + verdict.rule;
}

TEST(SecurityGroup, an_empty_group_has_the_six_default_rules) {
    const SecurityGroup group{"empty", {}};
    EXPECT_EQ(inbound(group, tcp(neighbour, in_network, 1)), "allow AllowVNetInBound");
    EXPECT_EQ(inbound(group, tcp(tags.probe_source, in_network, 1)), "allow AllowAzureLoadBalancerInBound");
    EXPECT_EQ(inbound(group, tcp(outside, in_network, 1)), "deny DenyAllInbound");
    EXPECT_EQ(outbound(group, tcp(in_network, neighbour, 1)), "allow AllowVnetOutBound");
    EXPECT_EQ(outbound(group, tcp(in_network, outside, 1)), "allow AllowInternetOutBound");
    EXPECT_EQ(outbound(group, tcp(outside, in_network, 1)), "deny DenyAllOutBound");
}

TEST(SecurityGroup, the_lowest_priority_number_that_matches_decides_in_whatever_order_rules_are_given) {
    SecurityGroup group{"g", {rule("later", 200, RuleAccess::allow), rule("first", 100, RuleAccess::deny)}};
    group.rules[1].ports = {{80, 80}};
    EXPECT_EQ(inbound(group, tcp(outside, in_network, 80)), "deny first");
    EXPECT_EQ(inbound(group, tcp(outside, in_network, 81)), "allow later");
}

TEST(SecurityGroup, a_rule_speaks_for_its_direction_only) {
    SecurityGroup group{"g", {rule("out", 100, RuleAccess::deny)}};
    group.rules[0].direction = RuleDirection::outbound;
    EXPECT_EQ(inbound(group, tcp(neighbour, in_network, 80)), "allow AllowVNetInBound");
    EXPECT_EQ(outbound(group, tcp(in_network, neighbour, 80)), "deny out");
}

TEST(SecurityGroup, probes_are_neither_internet_nor_virtual_network_and_can_be_denied) {
    SecurityGroup group{"g", {rule("no-internet", 100, RuleAccess::deny)}};
    group.rules[0].source = ServiceTag::internet;
    EXPECT_EQ(inbound(group, tcp(tags.probe_source, in_network, 80)), "allow AllowAzureLoadBalancerInBound");
    group.rules[0].source = ServiceTag::azure_load_balancer;
    EXPECT_EQ(inbound(group, tcp(tags.probe_source, in_network, 80)), "deny no-internet");
}

TEST(SecurityGroup, ports_match_tcp_and_udp_at_both_ends_of_a_range_and_never_icmp) {
    SecurityGroup group{"g", {rule("ports", 100, RuleAccess::allow)}};
    group.rules[0].ports = {{10000, 10010}, {443, 443}};
    for (const int port : {443, 10000, 10010}) {
        EXPECT_EQ(inbound(group, tcp(outside, in_network, static_cast<std::uint16_t>(port))), "allow ports");
        EXPECT_EQ(inbound(group, {RuleProtocol::udp, outside, in_network, static_cast<std::uint16_t>(port)}),
                  "allow ports");
    }
    for (const int port : {442, 444, 9999, 10011}) {
        EXPECT_EQ(inbound(group, tcp(outside, in_network, static_cast<std::uint16_t>(port))),
                  "deny DenyAllInbound");
    }
    EXPECT_EQ(inbound(group, {RuleProtocol::icmp, outside, in_network, 443}), "deny DenyAllInbound");
    group.rules[0].protocol = RuleProtocol::udp;
    EXPECT_EQ(inbound(group, tcp(outside, in_network, 443)), "deny DenyAllInbound");
}

TEST(SecurityGroup, source_and_destination_networks_must_both_match) {
    SecurityGroup group{"g", {rule("from-to", 100, RuleAccess::allow)}};
    group.rules[0].source =
        std::vector{parse_network("198.51.100.0/25").value(), parse_network("203.0.113.9/32").value()};
    group.rules[0].destination = std::vector{parse_network("192.0.2.11/32").value()};
    EXPECT_EQ(inbound(group, tcp(outside, in_network, 1)), "allow from-to");
    EXPECT_EQ(inbound(group, tcp(parse_address("198.51.100.128").value(), in_network, 1)),
              "deny DenyAllInbound");
    EXPECT_EQ(inbound(group, tcp(outside, neighbour, 1)), "deny DenyAllInbound");
}

std::string check(const SecurityGroup& group) {
    const auto result = check_security_group(group);
    return result.has_error() ? result.error().message() : "fine";
}

TEST(SecurityGroup, a_group_with_mistakes_is_refused_with_the_rules_name) {
    EXPECT_EQ(check({"g", {rule("a", 100, RuleAccess::deny), rule("b", 4096, RuleAccess::deny)}}), "fine");
    EXPECT_THAT(check({"g", {rule("a", 99, RuleAccess::deny)}}),
                HasSubstr("security group g, rule a: priority out of range (99); give 100 to 4096"));
    EXPECT_THAT(check({"g", {rule("a", 4097, RuleAccess::deny)}}), HasSubstr("out of range"));
    EXPECT_THAT(check({"g", {rule("a", 100, RuleAccess::deny), rule("b", 100, RuleAccess::deny)}}),
                HasSubstr("used twice in one direction"));
    SecurityGroup both{"g", {rule("a", 100, RuleAccess::deny), rule("b", 100, RuleAccess::deny)}};
    both.rules[1].direction = RuleDirection::outbound;
    EXPECT_EQ(check(both), "fine");
    EXPECT_THAT(check({"g", {rule("a", 100, RuleAccess::deny), rule("a", 101, RuleAccess::deny)}}),
                HasSubstr("name used twice"));
    EXPECT_THAT(check({"g", {rule("x\" drop", 100, RuleAccess::deny)}}), HasSubstr("not a proper name"));
    SecurityGroup ports{"g", {rule("a", 100, RuleAccess::deny)}};
    ports.rules[0].ports = {{20, 10}};
    EXPECT_THAT(check(ports), HasSubstr("not a port range"));
    ports.rules[0].ports = {{10, 20}};
    ports.rules[0].protocol = RuleProtocol::icmp;
    EXPECT_THAT(check(ports), HasSubstr("ICMP has no ports"));
}

}  // namespace
}  // namespace understudy::vmctl
