// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/filter_rules.hpp"

#include <gtest/gtest.h>

#include "tests/unit/vmctl/network/service_tags.hpp"

namespace understudy::vmctl {
namespace {

SecurityGroup corda() {
    SecurityGroup group{"corda", {}};
    group.rules.push_back(
        {"odd",
         200,
         RuleDirection::inbound,
         RuleAccess::deny,
         RuleProtocol::any,
         std::vector{parse_network("198.51.100.0/24").value(), parse_network("198.51.100.7/32").value(),
                     parse_network("203.0.113.0/24").value()},
         ServiceTag::virtual_network,
         {{80, 90}, {443, 443}, {85, 100}}});
    group.rules.push_back({"p2p",
                           100,
                           RuleDirection::inbound,
                           RuleAccess::allow,
                           RuleProtocol::tcp,
                           ServiceTag::internet,
                           AnyAddress{},
                           {{10010, 10010}}});
    group.rules.push_back({"no-ping",
                           100,
                           RuleDirection::outbound,
                           RuleAccess::deny,
                           RuleProtocol::icmp,
                           AnyAddress{},
                           ServiceTag::azure_load_balancer,
                           {}});
    return group;
}

TEST(FilterRules, a_group_becomes_two_chains_in_order_of_priority) {
    EXPECT_EQ(render_group(corda(), 3, tags),
              R"(add chain inet understudy group3_out
flush chain inet understudy group3_out
add rule inet understudy group3_out ip daddr 168.63.129.16 meta l4proto icmp counter drop comment "no-ping"
add rule inet understudy group3_out ip saddr 192.0.2.0/24 ip daddr 192.0.2.0/24 counter return comment "AllowVnetOutBound"
add rule inet understudy group3_out ip daddr != 192.0.2.0/24 ip daddr != 168.63.129.16 counter return comment "AllowInternetOutBound"
add rule inet understudy group3_out counter drop comment "DenyAllOutBound"
add chain inet understudy group3_in
flush chain inet understudy group3_in
add rule inet understudy group3_in ip saddr != 192.0.2.0/24 ip saddr != 168.63.129.16 meta l4proto tcp th dport { 10010 } counter accept comment "p2p"
add rule inet understudy group3_in ip saddr { 198.51.100.0/24, 203.0.113.0/24 } ip daddr 192.0.2.0/24 meta l4proto { tcp, udp } th dport { 80-100, 443 } counter drop comment "odd"
add rule inet understudy group3_in ip saddr 192.0.2.0/24 ip daddr 192.0.2.0/24 counter accept comment "AllowVNetInBound"
add rule inet understudy group3_in ip saddr 168.63.129.16 counter accept comment "AllowAzureLoadBalancerInBound"
add rule inet understudy group3_in counter drop comment "DenyAllInbound"
)");
}

// The same elements, deleted.
std::string deleting(std::string added) {
    for (std::size_t at = 0; (at = added.find("add element", at)) != std::string::npos;)
        added.replace(at, 3, "delete");
    return added;
}

TEST(FilterRules, a_port_is_elements_that_its_removal_names_exactly) {
    const FilterPort port{"p4", {parse_address("203.0.113.10").value(), tags.probe_source}, 2};
    const std::string added = R"(add element inet understudy ports { "p4" }
add element inet understudy sources { "p4" . 203.0.113.10 }
add element inet understudy sources { "p4" . 168.63.129.16 }
add element inet understudy outbound { "p4" : jump group2_out }
add element inet understudy inbound { "p4" : jump group2_in }
)";
    EXPECT_EQ(render_port(port), added);
    EXPECT_EQ(render_port_removal(port), deleting(added));
    EXPECT_EQ(render_port({"p0", {tags.probe_source}, -1}),
              "add element inet understudy ports { \"p0\" }\n"
              "add element inet understudy sources { \"p0\" . 168.63.129.16 }\n");
}

TEST(FilterRules, a_port_may_send_from_what_floats_to_it_as_from_its_own) {
    FilterPort port{"p4", {parse_address("192.0.2.11").value()}, -1};
    port.floating = {parse_address("203.0.113.10").value()};
    const std::string added = R"(add element inet understudy ports { "p4" }
add element inet understudy sources { "p4" . 192.0.2.11 }
add element inet understudy sources { "p4" . 203.0.113.10 }
)";
    EXPECT_EQ(render_port(port), added);
    EXPECT_EQ(render_port_removal(port), deleting(added));
}

TEST(FilterRules, many_cuts_are_one_command) {
    EXPECT_EQ(render_cuts({{"p0", "p1"}, {"p1", "p0"}}),
              "add element inet understudy cut { \"p0\" . \"p1\", \"p1\" . \"p0\" }\n");
    EXPECT_EQ(render_mends({{"p0", "p1"}}), "delete element inet understudy cut { \"p0\" . \"p1\" }\n");
    EXPECT_EQ(render_cuts({}), "");
}

TEST(FilterRules, faults_come_before_established_flows_and_groups_after) {
    const std::string base = render_filter_base();
    const auto at = [&base](const char* text) {
        EXPECT_NE(base.find(text), std::string::npos) << text;
        return base.find(text);
    };
    EXPECT_LT(at("!= @sources"), at("@cut counter drop"));
    EXPECT_LT(at("@cut counter drop"), at("vmap @loss"));
    EXPECT_LT(at("vmap @loss"), at("ct state established,related accept"));
    EXPECT_LT(at("ct state established,related accept"), at("vmap @outbound"));
    EXPECT_LT(at("vmap @outbound"), at("vmap @inbound"));
    EXPECT_LT(at("vmap @inbound"), at("oifname @ports accept"));
}

}  // namespace
}  // namespace understudy::vmctl
