// SPDX-License-Identifier: Apache-2.0
#include "lb/config_changes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::lb {
namespace {

template <typename T>
void compare(std::vector<std::string>& changes, const char* kind, std::string T::*name,
             const std::vector<T>& before, const std::vector<T>& after) {
    const auto find = [&](const std::vector<T>& in, const std::string& wanted) {
        return std::find_if(in.begin(), in.end(), [&](const T& held) { return held.*name == wanted; });
    };
    for (const T& old : before)
        if (find(after, old.*name) == after.end())
            changes.push_back(fmt::format("{} '{}' removed", kind, old.*name));
    for (const T& fresh : after) {
        const auto old = find(before, fresh.*name);
        if (old == before.end())
            changes.push_back(fmt::format("{} '{}' added", kind, fresh.*name));
        else if (*old != fresh)
            changes.push_back(fmt::format("{} '{}' changed", kind, fresh.*name));
    }
}

}  // namespace

std::vector<std::string> changes_between(const Config& before, const Config& after) {
    std::vector<std::string> changes;
    compare(changes, "backend", &Backend::host, before.backends, after.backends);
    compare(changes, "probe", &Probe::name, before.probes, after.probes);
    compare(changes, "rule", &Rule::name, before.rules, after.rules);
    compare(changes, "inbound NAT rule", &InboundNatRule::name, before.inbound_nat_rules,
            after.inbound_nat_rules);
    const auto field = [&](const char* name, bool same) {
        if (!same) changes.push_back(fmt::format("{} changed", name));
    };
    field("name", before.name == after.name);
    field("sku", before.sku == after.sku);
    field("data_path", before.data_path == after.data_path);
    field("frontend", before.frontend == after.frontend);
    field("probe_source", before.probe_source == after.probe_source);
    field("outbound", before.outbound == after.outbound);
    field("drain_timeout", before.drain_timeout == after.drain_timeout);
    field("admin_socket", before.admin_socket == after.admin_socket);
    field("network_namespace", before.network_namespace == after.network_namespace);
    field("threads", before.threads == after.threads);
    field("connect_timeout", before.connect_timeout == after.connect_timeout);
    field("dead_peer_timeout", before.dead_peer_timeout == after.dead_peer_timeout);
    field("on_backend_down", before.on_backend_down == after.on_backend_down);
    field("max_connections", before.max_connections == after.max_connections);
    // A reordering alone is a change too: flows are told apart by places.
    if (changes.empty() && before != after) changes.emplace_back("order changed");
    return changes;
}

}  // namespace understudy::lb
