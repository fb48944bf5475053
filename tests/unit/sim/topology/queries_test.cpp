// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/queries.hpp"

#include <gmock/gmock.h>

#include "sim/topology/reader.hpp"
#include "sim/topology/reading.hpp"
#include "tests/support/paths.hpp"

namespace understudy::topology {
namespace {

using testing::ElementsAre;

Topology guide() {
    return *load_topology(test::source_directory() / "topologies/corda-ha.yaml");
}

TEST(TopologyQueries, every_host_is_listed_machines_first) {
    std::vector<std::string> names;
    for (const Host& host : hosts(guide())) names.push_back(host.name);
    EXPECT_THAT(names, ElementsAre("corda-primary", "corda-backup", "party-b", "corda-lb", "corda-files",
                                   "corda-db", "network-map", "app"));
}

TEST(TopologyQueries, the_zone_names_what_is_public_and_no_machine) {
    const auto records = dns_records(guide());
    EXPECT_EQ(to_string(records.at("corda-lb.region.test")), "203.0.113.10");
    EXPECT_EQ(to_string(records.at("party-b.region.test")), "203.0.113.101");
    EXPECT_EQ(to_string(records.at("network-map.region.test")), "203.0.113.40");
    EXPECT_FALSE(records.contains("corda-primary.region.test"));
}

TEST(TopologyQueries, a_client_reaches_a_node_by_its_balancer_or_its_own_host) {
    const Topology topology = guide();
    EXPECT_EQ(rpc_endpoint(topology, "party-a").host, "corda-lb.region.test");
    EXPECT_EQ(rpc_endpoint(topology, "party-a").port, 10005);
    EXPECT_EQ(rpc_endpoint(topology, "party-b").host, "party-b.region.test");
    EXPECT_EQ(rpc_endpoint(topology, "nobody").host, "");
}

TEST(TopologyQueries, the_highly_available_node_is_the_one_with_two_machines) {
    EXPECT_EQ(high_availability_node(guide()), "party-a");
    EXPECT_THAT(hosts_of_node(guide(), "party-a"), ElementsAre("corda-primary", "corda-backup"));
    EXPECT_THAT(hosts_of_node(guide(), "party-b"), ElementsAre("party-b"));
}

TEST(TopologyQueries, machines_without_a_node_wait_for_none_to_be_active) {
    const auto topology = load_topology(test::source_directory() / "tests/integration/region/balancer.yaml");
    ASSERT_TRUE(topology.has_value()) << topology.error().message();
    ASSERT_EQ(topology->virtual_machines.size(), 2U);
    EXPECT_TRUE(high_availability_hosts(*topology).empty());
}

TEST(TopologyQueries, automatic_addresses_skip_what_is_taken_and_the_networks_ends) {
    const Ipv4Network network = *parse_network("203.0.113.0/29");
    EXPECT_EQ(to_string(*free_address(network, 2, {})), "203.0.113.2");
    EXPECT_EQ(to_string(*free_address(network, 2, {*parse_address("203.0.113.2")})), "203.0.113.3");
    EXPECT_EQ(to_string(*free_address(network, 7, {})), "203.0.113.1");
    std::vector<Ipv4Address> all;
    for (std::uint32_t i = 1; i < 7; ++i) all.push_back({network.base.bits + i});
    EXPECT_EQ(free_address(network, 1, all), std::nullopt);
}

}  // namespace
}  // namespace understudy::topology
