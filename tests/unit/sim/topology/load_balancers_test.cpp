// SPDX-License-Identifier: Apache-2.0
// What a topology may say of a load balancer, and what lies in the way of its traffic.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/topology/queries.hpp"
#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::topology {
namespace {

using testing::HasSubstr;

TEST(TopologyLoadBalancers, what_only_passthrough_can_do_is_refused_for_a_proxy) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string lb = "load_balancers.corda-lb.";
    const std::vector<std::string> settings{
        lb + "inbound_nat_rules=[{name: ssh, frontend_port: 2201, machine: corda-primary, backend_port: 22}]",
        lb + "outbound={ports_per_backend: 2048, tcp_reset: true}",
        lb + "rules=[{name: p2p, frontend_port: 10010, backend_port: 10010, probe: p2p, floating_ip: true, "
             "distribution: source_ip, tcp_reset: true}]"};
    const auto taken = load_topology(path, {settings[0], settings[1]});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    const auto& balancer = taken->load_balancers.at("corda-lb");
    EXPECT_EQ(balancer.data_path, DataPath::passthrough);
    EXPECT_EQ(balancer.inbound_nat_rules.at(0).machine, "corda-primary");
    EXPECT_EQ(balancer.inbound_nat_rules.at(0).idle_timeout, 4min);
    EXPECT_EQ(balancer.outbound->ports_per_backend, 2048);
    EXPECT_TRUE(balancer.outbound->tcp_reset);
    for (const std::string& setting : settings)
        EXPECT_THAT(refusal(load_topology(path, {lb + "data_path=proxy", setting})),
                    HasSubstr("data_path proxy has no "))
            << setting;
    EXPECT_THAT(refusal(load_topology(path, {lb + "outbound={ports_per_backend: 100}"})),
                HasSubstr("100 is not a multiple of 8 up to 32000"));
    EXPECT_THAT(refusal(load_topology(path, {lb + "inbound_nat_rules=[{name: p2p, frontend_port: 1, "
                                                  "machine: party-b, backend_port: 22}]"})),
                HasSubstr("'party-b' is not in the backend pool"));
}

TEST(TopologyLoadBalancers, a_rule_for_all_ports_stands_alone_and_has_none_itself) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string lb = "load_balancers.corda-lb.";
    const std::string all = lb + "rules=[{name: ha, protocol: all, probe: p2p}]";
    const auto taken = load_topology(path, {all});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    const auto& rule = taken->load_balancers.at("corda-lb").rules.at(0);
    EXPECT_EQ(rule.protocol, Transport::all);
    EXPECT_EQ(rule.frontend_port, 0);
    EXPECT_EQ(rpc_endpoint(*taken, "party-a").port, 10005) << "every port leads to the same one";
    const auto refused = [&](const std::string& setting) { return refusal(load_topology(path, {setting})); };
    EXPECT_THAT(refused(lb + "rules=[{name: ha, protocol: all, frontend_port: 80, probe: p2p}]"),
                HasSubstr("frontend_port: protocol all takes every port as it is"));
    EXPECT_THAT(refused(lb + "rules=[{name: ha, protocol: all, probe: p2p}, {name: web, frontend_port: 80, "
                             "backend_port: 80, probe: p2p}]"),
                HasSubstr("rule 'ha' takes every port of the frontend, and there is 'web' too"));
    EXPECT_THAT(refused(lb + "rules=[{name: web, frontend_port: 80, backend_port: 80, probe: p2p}, {name: "
                             "ha, protocol: all, probe: p2p}]"),
                HasSubstr("rule 'ha' takes every port of the frontend, and there is 'web' too"));
    EXPECT_THAT(
        refusal(load_topology(path, {all, lb + "inbound_nat_rules=[{name: ssh, frontend_port: 2201, machine: "
                                               "corda-primary, backend_port: 22}]"})),
        HasSubstr("another rule has its name or its frontend port"));
    EXPECT_THAT(refusal(load_topology(path, {all, lb + "sku=basic"})),
                HasSubstr("sku basic has no rule for all ports"));
    EXPECT_THAT(refusal(load_topology(path, {all, lb + "data_path=proxy"})),
                HasSubstr("data_path proxy has no rule for all ports"));
    EXPECT_THAT(refused(lb + "inbound_nat_rules=[{name: ssh, protocol: all, frontend_port: 2201, machine: "
                             "corda-primary, backend_port: 22}]"),
                HasSubstr("'all' is not known"));
    EXPECT_THAT(refusal(guide_with("{name: p2p,  protocol: tcp, frontend_port: 10010",
                                   "{name: p2p,  protocol: all, frontend_port: 10010")),
                testing::ContainsRegex("corda-ha.yaml:[0-9]+:[0-9]+: load_balancers.corda-lb.rules"));
}

TEST(TopologyLoadBalancers, an_https_probe_is_taken_as_the_balancer_takes_it) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string probe = "load_balancers.corda-lb.probes.http=";
    const auto taken = load_topology(path, {probe + "{protocol: https, port: 8443, interval: 5s}"});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    EXPECT_EQ(taken->load_balancers.at("corda-lb").probes.at("http").protocol, ProbeProtocol::https);
    EXPECT_EQ(taken->load_balancers.at("corda-lb").probes.at("http").path, "/");
    EXPECT_THAT(refusal(load_topology(
                    path, {probe + "{protocol: https, port: 8443}", "load_balancers.corda-lb.sku=basic"})),
                HasSubstr("sku basic has no https probes"));
    EXPECT_THAT(refusal(load_topology(path, {probe + "{protocol: https, port: 25}"})),
                HasSubstr("25 is not allowed to an http or https probe"));
    EXPECT_THAT(
        refusal(load_topology(path, {probe + "{protocol: http, port: 80, interval: 60s, timeout: 40s}"})),
        HasSubstr("40s is above 30s"));
}

TEST(TopologyLoadBalancers, a_doubtful_but_usable_topology_comes_with_warnings) {
    const auto read = guide_with("port: 10004, path", "port: 10044, path");
    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_THAT(read->warnings,
                testing::Contains(HasSubstr("asks port 10044, which the node of corda-backup")));
}

TEST(TopologyLoadBalancers, a_group_that_closes_a_rules_port_is_refused_once) {
    const std::string message = refusal(guide_with("ports: \"10004\"", "ports: \"10014\""));
    EXPECT_THAT(message, HasSubstr("security group 'corda' of corda-primary closes backend port 10004"));
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << message;
    EXPECT_THAT(refusal(guide_with("priority: 100, direction: inbound, access: allow",
                                   "priority: 100, direction: inbound, access: deny")),
                HasSubstr("closes backend port 10010"));
}

}  // namespace
}  // namespace understudy::topology
