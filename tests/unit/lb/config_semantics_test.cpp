// SPDX-License-Identifier: Apache-2.0
// What the cloud's load balancer and the two data paths allow, as far as the configuration's reader decides
// it, and the writer against the reader.
#include <gmock/gmock.h>

#include "lb/config.hpp"
#include "tests/unit/lb/config_text.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

// Everything that passthrough can do.
constexpr const char* passthrough = R"(name: corda-lb
data_path: passthrough
frontend: {address: 203.0.113.10}
backends: [{host: a, address: 192.0.2.11}, {host: b, address: 192.0.2.12, enabled: false}]
probes:
  web: {protocol: https, port: 443, path: /up, interval: 2s, threshold: 1, threshold_mode: probe_threshold}
  dns: {protocol: tcp, port: 53, no_healthy_backends: all_up}
rules:
  - {name: web, protocol: tcp, frontend_port: 443, backend_port: 8443, probe: web, distribution: source_ip}
  - {name: dns, protocol: udp, frontend_port: 53, backend_port: 53, probe: dns, floating_ip: true}
inbound_nat_rules:
  - {name: ssh-a, frontend_port: 2201, host: a, backend_port: 22, tcp_reset: true, idle_timeout: 90m}
outbound: {ports_per_backend: 2048, idle_timeout: 250ms}
network_namespace: /run/fabric ns
admin_socket: lb.sock
)";

TEST(LoadBalancerConfig, reads_what_passthrough_can_do) {
    const auto config = read(passthrough);
    ASSERT_TRUE(config.has_value()) << config.error().message();
    EXPECT_EQ(config->data_path, DataPathKind::passthrough);
    EXPECT_TRUE(config->backends[0].enabled);
    EXPECT_FALSE(config->backends[1].enabled);
    EXPECT_EQ(config->probes[0].protocol, ProbeProtocol::https);
    EXPECT_EQ(config->probes[0].threshold_mode, ThresholdMode::probe_threshold);
    EXPECT_EQ(config->probes[1].no_healthy_backends, NoHealthyBackends::all_up);
    EXPECT_EQ(config->rules[0].distribution, Distribution::source_ip);
    EXPECT_EQ(config->rules[1].protocol, RuleProtocol::udp);
    EXPECT_TRUE(config->rules[1].floating_ip);
    ASSERT_EQ(config->inbound_nat_rules.size(), 1U);
    EXPECT_EQ(config->inbound_nat_rules[0],
              (InboundNatRule{"ssh-a", RuleProtocol::tcp, 2201, "a", 22, 90min, true, false}));
    EXPECT_EQ(config->outbound, (OutboundRule{2048, 250ms, false}));
    EXPECT_EQ(config->network_namespace, "/run/fabric ns");
    EXPECT_EQ(config->admin_socket, "lb.sock");
    EXPECT_EQ(config->on_backend_down, OnBackendDown::keep) << "passthrough knows no other";
}

TEST(LoadBalancerConfig, every_field_that_is_written_reads_back_equal) {
    Config config = *read(passthrough);
    EXPECT_EQ(*read(to_yaml(config)), config);
    config.rules[1] = Rule{.name = "every", .protocol = RuleProtocol::all, .probe = "true"};
    config.rules.erase(config.rules.begin());
    config.inbound_nat_rules.clear();
    config.outbound.reset();
    config.probes[1].name = "true";
    config.probes[0].path = "/a\"b\\c";
    config.drain_timeout = 1234567891ns;
    EXPECT_EQ(*read(to_yaml(config)), config);
    config.data_path = DataPathKind::proxy;
    config.rules[0] = {
        "web", RuleProtocol::tcp, 443, 8443, "web", Distribution::source_ip_protocol, 100ms, true, false,
        true};
    config.network_namespace.clear();
    config.admin_socket.clear();
    config.probe_source = Ipv4Address{0x7f000001};
    config.on_backend_down = OnBackendDown::reset;
    config.connect_timeout = 10ms;
    config.dead_peer_timeout = 24h;
    config.max_connections = 7;
    config.threads = 64;
    const auto again = read(to_yaml(config));
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(*again, config);
    config.sku = Sku::basic;
    config.rules[0].tcp_reset = false;
    config.probes[0].protocol = ProbeProtocol::http;
    config.probes[0].port = 80;
    EXPECT_EQ(*read(to_yaml(config)), config);
}

TEST(LoadBalancerConfig, what_the_proxy_cannot_do_is_refused_where_it_is_asked_for) {
    const auto config = read(with(passthrough, "data_path: passthrough", "data_path: proxy"));
    ASSERT_TRUE(config.has_error());
    for (const char* part : {"lb.yaml:10:27: rules[1].protocol: data_path proxy can't do 'udp', tcp only",
                             "rules[1].floating_ip:", "outbound: data_path proxy can't translate",
                             "network_namespace: data_path proxy works in"})
        EXPECT_THAT(config.error().message(), HasSubstr(part));
    EXPECT_THAT(config.error().message(), ::testing::Not(HasSubstr("inbound_nat_rules")));
    std::string nat = with(passthrough, "data_path: passthrough", "data_path: proxy");
    nat.replace(nat.find("frontend_port: 2201"), 0, "protocol: udp, ");
    expect_refused(nat, "inbound_nat_rules[0].protocol: data_path proxy can't do 'udp'");
}

TEST(LoadBalancerConfig, what_passthrough_cannot_do_is_refused_where_it_is_asked_for) {
    expect_refused(
        with(passthrough, "distribution: source_ip", "proxy_protocol: true"),
        "lb.yaml:9:100: rules[0].proxy_protocol: data_path passthrough can't write a PROXY header");
    expect_refused(with(passthrough, "admin_socket: lb.sock", "on_backend_down: reset"),
                   "on_backend_down: data_path passthrough always keeps");
    EXPECT_TRUE(read(with(passthrough, "admin_socket: lb.sock", "on_backend_down: keep")).has_value());
}

TEST(LoadBalancerConfig, what_sku_basic_lacks_is_refused) {
    const auto config = read(with(passthrough, "data_path:", "sku: basic\ndata_path:"));
    ASSERT_TRUE(config.has_error());
    for (const char* part : {"probes.web.protocol: sku basic has no https probes",
                             "inbound_nat_rules[0].tcp_reset: sku basic", "outbound: sku basic"})
        EXPECT_THAT(config.error().message(), HasSubstr(part));
}

TEST(LoadBalancerConfig, http_probes_keep_off_the_ports_of_other_protocols) {
    for (const int port : {19, 21, 25, 70, 110, 119, 143, 220, 993})
        expect_refused(with(passthrough, "port: 443,", "port: " + std::to_string(port) + ","),
                       "not allowed to an https probe");
    EXPECT_TRUE(read(with(passthrough, "port: 53, no", "port: 25, no")).has_value()) << "a tcp probe may";
}

TEST(LoadBalancerConfig, one_frontend_port_of_a_protocol_leads_to_one_rule) {
    expect_refused(
        with(passthrough, "frontend_port: 2201", "frontend_port: 443"),
        "lb.yaml:12:34: inbound_nat_rules[0].frontend_port: 443 is already the frontend port of rule "
        "'web'");
    EXPECT_TRUE(read(with(passthrough, "frontend_port: 2201", "frontend_port: 53")).has_value())
        << "53/udp is another";
    expect_refused(with(passthrough, "name: ssh-a", "name: web"), "'web' is given twice");
}

TEST(LoadBalancerConfig, a_rule_for_all_ports_stands_alone_and_names_none) {
    const std::string every = "{name: dns, protocol: all, probe: dns, floating_ip: true}";
    const std::string udp =
        "{name: dns, protocol: udp, frontend_port: 53, backend_port: 53, probe: dns, floating_ip: true}";
    const auto config = read(with(passthrough, udp, every));
    ASSERT_TRUE(config.has_error());
    EXPECT_THAT(config.error().message(),
                HasSubstr("rule 'dns' takes every port of the frontend, and there is "
                          "'web' too"));
    EXPECT_THAT(config.error().message(), HasSubstr("and there is 'ssh-a' too"));
    expect_refused(with(passthrough, "protocol: udp", "protocol: all"),
                   "protocol all takes every port as it is");
}

TEST(LoadBalancerConfig, outbound_ports_are_blocks_of_eight_that_fit_the_address) {
    expect_refused(with(passthrough, "2048", "1001"),
                   "1001 ports are not a multiple of 8; set ports_per_backend: 1008");
    expect_refused(
        with(passthrough, "2048", "32008"),
        "lb.yaml:13:31: outbound.ports_per_backend: 32008 ports for each of 2 backends are more than "
        "the 64000 of the frontend's address; set ports_per_backend: 32000 or fewer");
    EXPECT_TRUE(read(with(passthrough, "2048", "32000")).has_value());
}

TEST(LoadBalancerConfig, idle_timeouts_lie_between_100_ms_and_100_minutes) {
    EXPECT_TRUE(read(with(passthrough, "90m", "100m")).has_value());
    expect_refused(with(passthrough, "90m", "101m"), "is not from 100ms to");
    expect_refused(with(passthrough, "250ms", "99ms"), "outbound.idle_timeout: '99ms' is not from 100ms");
}

TEST(LoadBalancerConfig, an_inbound_nat_rule_leads_to_a_backend_that_is_there) {
    expect_refused(with(passthrough, "host: a, backend_port", "host: c, backend_port"),
                   "there is no backend 'c'");
}

TEST(LoadBalancerConfig, inbound_nat_alone_needs_neither_probe_nor_rule) {
    const std::string head =
        "name: x\nfrontend: {address: 203.0.113.10}\nbackends: [{host: a, address: 192.0.2.11}]\n";
    const auto config =
        read(head + "inbound_nat_rules: [{name: ssh, frontend_port: 22, host: a, backend_port: 22}]\n");
    ASSERT_TRUE(config.has_value()) << config.error().message();
    EXPECT_EQ(*read(to_yaml(*config)), *config);
    expect_refused(head, "rules: is missing");
}

}  // namespace
}  // namespace understudy::lb
