// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "vmctl/network/core/security_group.hpp"

namespace understudy::vmctl {
namespace {

TEST(SecurityGroupText, addresses_are_any_a_tag_or_networks) {
    EXPECT_EQ(parse_address_match("*").value(), AddressMatch(AnyAddress{}));
    EXPECT_EQ(parse_address_match("Any").value(), AddressMatch(AnyAddress{}));
    EXPECT_EQ(parse_address_match(" Internet ").value(), AddressMatch(ServiceTag::internet));
    EXPECT_EQ(parse_address_match("VirtualNetwork").value(), AddressMatch(ServiceTag::virtual_network));
    EXPECT_EQ(parse_address_match("AzureLoadBalancer").value(),
              AddressMatch(ServiceTag::azure_load_balancer));
    EXPECT_EQ(parse_address_match("192.0.2.0/24, 198.51.100.7").value(),
              AddressMatch(std::vector{parse_network("192.0.2.0/24").value(),
                                       parse_network("198.51.100.7/32").value()}));
    for (const char* text : {"", "internet", "192.0.2.1/24", "192.0.2.0/24,", "1.2.3", "Internet,*"}) {
        EXPECT_TRUE(parse_address_match(text).has_error()) << text;
    }
}

TEST(SecurityGroupText, ports_are_any_single_or_ranges) {
    EXPECT_TRUE(parse_port_ranges("*").value().empty());
    EXPECT_EQ(parse_port_ranges("10010").value(), (std::vector<PortRange>{{10010, 10010}}));
    EXPECT_EQ(parse_port_ranges("80, 10000-10010,443").value(),
              (std::vector<PortRange>{{80, 80}, {10000, 10010}, {443, 443}}));
    for (const char* text : {"", "0", "65536", "20-10", "1-", "-1", "80,", "http", "1-2-3"}) {
        EXPECT_TRUE(parse_port_ranges(text).has_error()) << text;
    }
}

}  // namespace
}  // namespace understudy::vmctl
