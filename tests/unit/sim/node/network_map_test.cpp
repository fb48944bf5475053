// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/network_map.hpp"

#include <gtest/gtest.h>

namespace understudy::node {
namespace {

const PublicAddressRule rule{{*parse_network("203.0.113.0/24")}, "region.test"};

TEST(NetworkMap, accepts_public_addresses_and_names_of_the_zone) {
    EXPECT_TRUE(check_public("203.0.113.10:10010", rule).has_value());
    EXPECT_TRUE(check_public("corda-lb.region.test:10010", rule).has_value());
}

TEST(NetworkMap, refuses_everything_that_is_not_public) {
    for (const char* address :
         {"0.0.0.0:10010", "192.0.2.11:10010", "10.0.0.1:10010", "127.0.0.1:10010", "localhost:10010",
          "region.test:1", "evilregion.test:1", "corda-lb.region.test", "corda-lb.region.test:0",
          "corda-lb.region.test:65536", ":10010", "-a.region.test:1", "a..region.test:1", "203.0.113:1",
          "203.0.113.999:1"})
        EXPECT_TRUE(check_public(address, rule).has_error()) << address;
    EXPECT_NE(check_public("0.0.0.0:10010", rule).error().reason.find("listen"), std::string::npos);
}

TEST(NetworkMap, the_serial_changes_only_with_the_content) {
    NetworkMapTable table(rule);
    NodeInfo info{"O=Party A", {"203.0.113.10:10010"}, 1, 0};
    const auto first = table.publish(info);
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(first->changed);
    const auto again = table.publish(info);
    EXPECT_FALSE(again->changed);
    EXPECT_EQ(again->serial, first->serial);
    info.addresses = {"203.0.113.11:10010"};
    const auto moved = table.publish(info);
    EXPECT_TRUE(moved->changed);
    EXPECT_GT(moved->serial, first->serial);
    EXPECT_EQ(table.find("O=Party A")->addresses.front(), "203.0.113.11:10010");
}

TEST(NetworkMap, a_refused_entry_leaves_the_old_one) {
    NetworkMapTable table(rule);
    ASSERT_TRUE(table.publish({"O=Party A", {"203.0.113.10:10010"}, 1, 0}).has_value());
    EXPECT_TRUE(table.publish({"O=Party A", {"203.0.113.11:10010", "192.0.2.11:10010"}, 1, 0}).has_error());
    EXPECT_EQ(table.find("O=Party A")->addresses.front(), "203.0.113.10:10010");
}

TEST(NetworkMap, node_info_survives_its_json_form) {
    const auto info =
        node_info_from_json(to_json(NodeInfo{"O=Party A", {"a.region.test:1", "203.0.113.1:2"}, 4, 7}));
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->addresses.size(), 2u);
    EXPECT_EQ(info->platform_version, 4);
    EXPECT_EQ(info->serial, 7);
    for (const char* bad : {"", "[]", "{}", "{\"legal_name\":\"A\",\"addresses\":[]}",
                            "{\"legal_name\":\"A\",\"addresses\":[1]}",
                            "{\"legal_name\":\"A\",\"addresses\":[\"a:1\"],\"serial\":-1}"})
        EXPECT_TRUE(node_info_from_json(bad).has_error()) << bad;
}

}  // namespace
}  // namespace understudy::node
