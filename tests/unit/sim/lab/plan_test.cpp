// SPDX-License-Identifier: Apache-2.0
// What a topology says of a balancer reaches the hosts' plans, and the configuration made of it is one that
// understudy-lb takes and understands.
#include "sim/lab/plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/config/node.hpp"
#include "lb/config.hpp"
#include "sim/topology/reader.hpp"
#include "tests/support/paths.hpp"

namespace understudy::lab {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

constexpr const char* lb = "load_balancers.corda-lb.";

topology::Topology guide(const std::vector<std::string>& settings) {
    const std::string path = test::source_directory() / "topologies/corda-ha.yaml";
    auto read = topology::load_topology(path, settings);
    EXPECT_TRUE(read.has_value()) << read.error().message();
    return std::move(*read);
}

HostPlan plan_of(const topology::Topology& topology, const std::string& host) {
    for (HostPlan& plan : plan_hosts(topology, topology::HostWorld::pod, make_accounts(topology)))
        if (plan.name == host) return std::move(plan);
    ADD_FAILURE() << "no host " << host;
    return {};
}

lb::Config as_the_balancer_reads_it(const topology::Topology& topology) {
    const auto tree = config::parse_text(balancer_config(topology, "corda-lb"), "lb.json");
    EXPECT_TRUE(tree.has_value()) << tree.error().message();
    auto config = lb::config_from_tree(*tree);
    EXPECT_TRUE(config.has_value()) << config.error().message();
    return std::move(*config);
}

TEST(Plan, only_a_passthrough_balancers_host_writes_the_fabric) {
    const topology::Topology passthrough = guide({});
    for (const HostPlan& plan : plan_hosts(passthrough, topology::HostWorld::pod, make_accounts(passthrough)))
        EXPECT_EQ(plan.writes_fabric, plan.name == "corda-lb") << plan.name;
    EXPECT_FALSE(plan_of(guide({std::string(lb) + "data_path=proxy"}), "corda-lb").writes_fabric);
}

TEST(Plan, a_pools_machines_may_answer_from_a_frontend_that_floats_and_no_other_host) {
    const std::string rule =
        "rules=[{name: rpc, frontend_port: 10005, backend_port: 10005, probe: rpc, "
        "floating_ip: true}]";
    const topology::Topology floating = guide({lb + rule});
    const Ipv4Address frontend = floating.load_balancers.at("corda-lb").frontend_address;
    for (const HostPlan& plan : plan_hosts(floating, topology::HostWorld::pod, make_accounts(floating))) {
        const bool in_pool = plan.name == "corda-primary" || plan.name == "corda-backup";
        EXPECT_EQ(plan.floating, in_pool ? std::vector{frontend} : std::vector<Ipv4Address>{}) << plan.name;
        // Its own addresses stay its own: nothing is routed to it by the frontend's.
        if (in_pool) {
            EXPECT_EQ(std::count(plan.addresses.begin(), plan.addresses.end(), frontend), 0);
        }
    }
    EXPECT_TRUE(plan_of(guide({}), "corda-primary").floating.empty());
}

TEST(Plan, what_a_share_lets_its_mounts_do_while_it_is_away_reaches_every_mount) {
    const auto mount_of = [](const topology::Topology& topology, const std::string& host) {
        const HostPlan plan = plan_of(topology, host);
        for (const auto& unit : plan.config.units)
            if (unit.name == "mount-corda-files") return unit.argv;
        return std::vector<std::string>{};
    };
    EXPECT_THAT(mount_of(guide({}), "corda-primary"), Not(Contains("--on-loss")));
    const auto hanging = guide({"file_services.corda-files.on_loss=hang"});
    for (const char* host : {"corda-primary", "corda-backup"})
        EXPECT_THAT(mount_of(hanging, host), IsSupersetOf({"--on-loss", "hang"})) << host;
}

TEST(Plan, a_rule_for_all_ports_and_an_https_probe_reach_the_balancer) {
    const lb::Config config = as_the_balancer_reads_it(
        guide({std::string(lb) + "rules=[{name: ha, protocol: all, probe: http, idle_timeout: 90s}]",
               std::string(lb) + "probes.http={protocol: https, port: 8443, path: /health, interval: 1s}"}));
    ASSERT_EQ(config.rules.size(), 1U);
    EXPECT_EQ(config.rules[0].protocol, lb::RuleProtocol::all);
    EXPECT_EQ(config.rules[0].idle_timeout, 90s);
    const auto probe = std::find_if(config.probes.begin(), config.probes.end(),
                                    [](const lb::Probe& each) { return each.name == "http"; });
    ASSERT_NE(probe, config.probes.end());
    EXPECT_EQ(probe->protocol, lb::ProbeProtocol::https);
    EXPECT_EQ(probe->path, "/health");
    EXPECT_EQ(probe->interval, 1s);
}

TEST(Plan, inbound_nat_and_outbound_rules_reach_the_balancer) {
    const lb::Config config = as_the_balancer_reads_it(
        guide({std::string(lb) + "inbound_nat_rules=[{name: ssh, frontend_port: 2201, machine: corda-backup, "
                                 "backend_port: 22, idle_timeout: 5m, tcp_reset: true}]",
               std::string(lb) + "outbound={ports_per_backend: 2048, idle_timeout: 6m, tcp_reset: true}"}));
    ASSERT_EQ(config.inbound_nat_rules.size(), 1U);
    EXPECT_EQ(config.inbound_nat_rules[0].host, "corda-backup");
    EXPECT_EQ(config.inbound_nat_rules[0].frontend_port, 2201);
    EXPECT_EQ(config.inbound_nat_rules[0].backend_port, 22);
    EXPECT_EQ(config.inbound_nat_rules[0].idle_timeout, 5min);
    EXPECT_TRUE(config.inbound_nat_rules[0].tcp_reset);
    ASSERT_TRUE(config.outbound);
    EXPECT_EQ(config.outbound->ports_per_backend, 2048);
    EXPECT_EQ(config.outbound->idle_timeout, 6min);
    EXPECT_EQ(config.outbound->inside, std::vector{*parse_network("192.0.2.0/24")});
}

}  // namespace
}  // namespace understudy::lab
