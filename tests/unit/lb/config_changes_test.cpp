// SPDX-License-Identifier: Apache-2.0
#include "lb/config_changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace understudy::lb {
namespace {

using ::testing::ElementsAre;

Config base() {
    Config config;
    config.name = "lb";
    config.backends = {{"a", {1}}, {"b", {2}}};
    config.probes = {{.name = "p2p"}, {.name = "rpc"}};
    config.rules = {{.name = "p2p", .probe = "p2p"}, {.name = "rpc", .probe = "rpc"}};
    config.inbound_nat_rules = {{.name = "ssh", .host = "a"}};
    return config;
}

TEST(ConfigChanges, the_same_has_no_changes) {
    EXPECT_TRUE(changes_between(base(), base()).empty());
}

TEST(ConfigChanges, each_thing_is_named_with_what_became_of_it) {
    Config after = base();
    after.backends = {{"b", {3}}, {"c", {4}}};
    after.probes[1].threshold = 9;
    after.rules.pop_back();
    after.inbound_nat_rules.push_back({.name = "web", .host = "b"});
    after.drain_timeout = 1s;
    EXPECT_THAT(
        changes_between(base(), after),
        ElementsAre("backend 'a' removed", "backend 'b' changed", "backend 'c' added", "probe 'rpc' changed",
                    "rule 'rpc' removed", "inbound NAT rule 'web' added", "drain_timeout changed"));
}

TEST(ConfigChanges, every_field_that_differs_is_told) {
    const std::vector<std::pair<std::string, std::function<void(Config&)>>> fields{
        {"name", [](Config& c) { c.name = "x"; }},
        {"sku", [](Config& c) { c.sku = Sku::basic; }},
        {"data_path", [](Config& c) { c.data_path = DataPathKind::passthrough; }},
        {"frontend", [](Config& c) { c.frontend = {9}; }},
        {"probe_source", [](Config& c) { c.probe_source = Ipv4Address{9}; }},
        {"outbound", [](Config& c) { c.outbound = OutboundRule(); }},
        {"drain_timeout", [](Config& c) { c.drain_timeout = 1s; }},
        {"admin_socket", [](Config& c) { c.admin_socket = "x"; }},
        {"network_namespace", [](Config& c) { c.network_namespace = "x"; }},
        {"threads", [](Config& c) { c.threads = 2; }},
        {"connect_timeout", [](Config& c) { c.connect_timeout = 1s; }},
        {"dead_peer_timeout", [](Config& c) { c.dead_peer_timeout = 1s; }},
        {"on_backend_down", [](Config& c) { c.on_backend_down = OnBackendDown::keep; }},
        {"max_connections", [](Config& c) { c.max_connections = 1; }},
        {"order", [](Config& c) { std::swap(c.backends[0], c.backends[1]); }}};
    for (const auto& [name, change] : fields) {
        Config after = base();
        change(after);
        EXPECT_THAT(changes_between(base(), after), ElementsAre(name + " changed"));
    }
}

}  // namespace
}  // namespace understudy::lb
