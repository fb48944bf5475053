// SPDX-License-Identifier: Apache-2.0
#include "lb/config.hpp"

#include <gmock/gmock.h>

#include "tests/unit/lb/config_text.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

constexpr const char* good = R"(name: corda-lb
sku: standard
frontend: {address: 203.0.113.10}
probe_source: 203.0.113.254
backends: [{host: corda-primary, address: 192.0.2.11}, {host: corda-backup, address: 192.0.2.12}]
probes:
  p2p: {protocol: tcp, port: 10010, interval: 5s, threshold: 3, timeout: 1500ms}
  http: {protocol: http, port: 10004, path: /status/full, interval: 45s}
rules:
  - {name: p2p, protocol: tcp, frontend_port: 10010, backend_port: 10011, probe: p2p}
  - {name: http, protocol: tcp, frontend_port: 10004, backend_port: 10004, probe: http}
drain_timeout: 4m
)";

TEST(LoadBalancerConfig, reads_what_the_file_says) {
    const auto config = read(good);
    ASSERT_TRUE(config.has_value()) << config.error().message();
    EXPECT_EQ(config->name, "corda-lb");
    EXPECT_EQ(to_string(*config->probe_source), "203.0.113.254");
    ASSERT_EQ(config->backends.size(), 2U);
    ASSERT_EQ(config->probes.size(), 2U);
    EXPECT_EQ(config->probes[0], (Probe{"p2p", ProbeProtocol::tcp, 10010, "/", 5s, 1500ms, 3}));
    EXPECT_EQ(config->rules[0], (Rule{"p2p", RuleProtocol::tcp, 10010, 10011, "p2p"}));
    EXPECT_EQ(config->drain_timeout, 4min);
    EXPECT_EQ(config->on_backend_down, OnBackendDown::reset);
    EXPECT_EQ(config->data_path, DataPathKind::proxy);
}

TEST(LoadBalancerConfig, an_http_probe_has_the_smaller_of_interval_and_30_s) {
    EXPECT_EQ(read(good)->probes[1].timeout, 30s);
    EXPECT_EQ(read(with(good, "interval: 45s", "interval: 2s"))->probes[1].timeout, 2s);
    EXPECT_EQ(read(with(good, ", timeout: 1500ms", ""))->probes[0].timeout, 5s);
}

TEST(LoadBalancerConfig, a_rule_naming_a_missing_probe_is_refused_where_it_stands) {
    expect_refused(with(good, "backend_port: 10011, probe: p2p", "backend_port: 10011, probe: p2q"),
                   "lb.yaml:10:82: rules[0].probe: there is no probe 'p2q'; did you mean 'p2p'?");
}

TEST(LoadBalancerConfig, mistakes_are_refused_with_their_place) {
    expect_refused(with(good, "sku: standard", "sku: gateway"), "lb.yaml:2:6: sku: 'gateway' is not known");
    expect_refused(with(good, "drain_timeout", "drian_timeout"), "did you mean 'drain_timeout'?");
    expect_refused(with(good, "port: 10010,", "port: 70000,"), "lb.yaml:7:30: probes.p2p.port: '70000'");
    expect_refused(with(good, "192.0.2.12", "192.0.2.11"), "is already the address of 'corda-primary'");
    expect_refused(with(good, "corda-backup", "corda-primary"), "'corda-primary' is given twice");
    expect_refused(with(good, "frontend_port: 10004", "frontend_port: 10010"),
                   "already the frontend port of rule 'p2p'");
    expect_refused(with(good, "timeout: 1500ms", "timeout: 6s"), "'6s' is above 5s");
    expect_refused(with(good, "interval: 45s", "interval: 45s, timeout: 31s"), "'31s' is above 30s");
    expect_refused(with(good, "path: /status/full", "path: status"), "is not a request path");
    expect_refused(with(good, "path: /status/full", "path: \"/a\\r\\nX: y\""), "is not a request path");
    expect_refused(with(good, "{protocol: tcp, port", "{path: /, protocol: tcp, port"),
                   "is for http and https probes only");
    expect_refused(with(good, "protocol: tcp, frontend_port: 10010", "protocol: sctp, frontend_port: 10010"),
                   "'sctp' is not known; use one of tcp, udp, all");
    expect_refused(with(good, "{host: corda-backup", "{enabled: maybe, host: corda-backup"),
                   "lb.yaml:5:66: backends[1].enabled: 'maybe' is neither true nor false");
    expect_refused(with(good, "drain_timeout: 4m", "threads: 65"),
                   "threads: '65' is not a whole number from 1 to 64");
    expect_refused(with(good, "drain_timeout: 4m", "admin_socket: " + std::string(108, 's')),
                   "1 to 107 bytes");
    expect_refused(with(good, "interval: 45s", "interval: 9ms"), "'9ms' is not from 10ms to 24h");
    expect_refused(with(good, "threshold: 3", "threshold: 0"), "'0' is not a whole number from 1");
    expect_refused(with(good, "frontend: {address: 203.0.113.10}\n", ""), "frontend: is missing");
}

TEST(LoadBalancerConfig, all_mistakes_are_told_at_once) {
    const auto config = read("name: x\nfrontend: {address: 1.2.3}\nbackends: []\nprobes: {}\nrules: []\n");
    ASSERT_TRUE(config.has_error());
    for (const char* part : {"frontend.address", "holds no backend", "holds no rule"})
        EXPECT_THAT(config.error().message(), HasSubstr(part));
}

}  // namespace
}  // namespace understudy::lb
