// SPDX-License-Identifier: Apache-2.0
#include "lb/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/config/reader.hpp"
#include "base/suggest.hpp"

namespace understudy::lb {
namespace {

using config::Mapping;
using config::Value;

constexpr Duration shortest_wait = 10ms;
constexpr Duration longest_wait = 24h;
constexpr Duration longest_http_timeout = 30s;

Duration duration_or(Mapping& from, const std::string& key, Duration otherwise) {
    const auto value = from.optional(key);
    return value ? value->duration(shortest_wait, longest_wait) : otherwise;
}

std::string path_of(const Value& value) {
    std::string path = value.text();
    const bool printable = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 127; });
    if (!path.starts_with('/') || !printable || path.size() > 512)
        value.refuse(fmt::format("'{}' is not a request path", path),
                     "write it like /status, 512 characters at most");
    return path;
}

std::vector<Backend> read_backends(const Value& list) {
    std::vector<Backend> backends;
    std::set<std::string> hosts;
    std::map<Ipv4Address, std::string> addresses;
    for (const Value& element : list.sequence()) {
        Mapping mapping = element.mapping();
        Backend backend;
        if (const auto host = mapping.required("host")) {
            backend.host = host->name();
            if (!hosts.insert(backend.host).second)
                host->refuse(fmt::format("'{}' is given twice", backend.host));
        }
        if (const auto address = mapping.required("address")) {
            backend.address = address->address();
            const auto [other, fresh] = addresses.emplace(backend.address, backend.host);
            if (!fresh)
                address->refuse(fmt::format("'{}' is already the address of '{}'", to_string(backend.address),
                                            other->second));
        }
        mapping.refuse_unknown_keys();
        backends.push_back(std::move(backend));
    }
    if (backends.empty() && list.is_sequence())
        list.refuse("holds no backend", "give at least one {host, address}");
    if (backends.size() > 1000) list.refuse("holds more than 1000 backends");
    return backends;
}

Probe read_probe(const std::string& name, const Value& value) {
    Mapping mapping = value.mapping();
    Probe probe;
    probe.name = name;
    if (const auto protocol = mapping.required("protocol"))
        probe.protocol = protocol->choice({"tcp", "http"}) == 0 ? ProbeProtocol::tcp : ProbeProtocol::http;
    const bool http = probe.protocol == ProbeProtocol::http;
    if (const auto port = mapping.required("port")) probe.port = port->port();
    if (const auto path = mapping.optional("path")) {
        probe.path = path_of(*path);
        if (!http) path->refuse("is for http probes only", "leave it out, or set protocol: http");
    }
    probe.interval = duration_or(mapping, "interval", probe.interval);
    const Duration longest = http ? std::min(probe.interval, longest_http_timeout) : probe.interval;
    probe.timeout = longest;
    if (const auto timeout = mapping.optional("timeout")) {
        probe.timeout = timeout->duration(shortest_wait, longest_wait);
        if (probe.timeout > longest)
            timeout->refuse(
                fmt::format("'{}' is above {}", format_duration(probe.timeout), format_duration(longest)),
                "a probe has its answer within its interval, an http probe within 30s too");
    }
    if (const auto threshold = mapping.optional("threshold"))
        probe.threshold = static_cast<int>(threshold->integer(1, 1000));
    mapping.refuse_unknown_keys();
    return probe;
}

std::vector<Rule> read_rules(const Value& list, const std::vector<std::string>& probe_names) {
    std::vector<Rule> rules;
    std::set<std::string> names;
    std::map<std::uint16_t, std::string> ports;
    for (const Value& element : list.sequence()) {
        Mapping mapping = element.mapping();
        Rule rule;
        if (const auto name = mapping.required("name")) {
            rule.name = name->name();
            if (!names.insert(rule.name).second) name->refuse(fmt::format("'{}' is given twice", rule.name));
        }
        if (const auto protocol = mapping.optional("protocol")) protocol->choice({"tcp"});
        if (const auto port = mapping.required("frontend_port")) {
            rule.frontend_port = port->port();
            const auto [other, fresh] = ports.emplace(rule.frontend_port, rule.name);
            if (!fresh)
                port->refuse(fmt::format("{} is already the frontend port of rule '{}'", rule.frontend_port,
                                         other->second));
        }
        if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
        if (const auto probe = mapping.required("probe")) {
            rule.probe = probe->text();
            if (probe->is_scalar() &&
                std::find(probe_names.begin(), probe_names.end(), rule.probe) == probe_names.end()) {
                const auto meant = nearest(rule.probe, probe_names);
                probe->refuse(fmt::format("there is no probe '{}'", rule.probe),
                              meant ? fmt::format("did you mean '{}'?", *meant) : "define it under probes");
            }
        }
        mapping.refuse_unknown_keys();
        rules.push_back(std::move(rule));
    }
    if (rules.empty() && list.is_sequence()) list.refuse("holds no rule", "give at least one");
    return rules;
}

void read_limits(Mapping& mapping, Config& config) {
    config.idle_timeout = duration_or(mapping, "idle_timeout", config.idle_timeout);
    config.connect_timeout = duration_or(mapping, "connect_timeout", config.connect_timeout);
    config.dead_peer_timeout = duration_or(mapping, "dead_peer_timeout", config.dead_peer_timeout);
    if (const auto policy = mapping.optional("on_backend_down"))
        config.on_backend_down =
            policy->choice({"reset", "keep"}) == 0 ? OnBackendDown::reset : OnBackendDown::keep;
    if (const auto limit = mapping.optional("max_connections"))
        config.max_connections = static_cast<int>(limit->integer(1, 1'000'000));
}

}  // namespace

Result<Config> config_from_tree(const config::Node& root) {
    config::Diagnostics diagnostics;
    Mapping mapping = Value(root, "", diagnostics).mapping();
    Config config;
    if (const auto name = mapping.required("name")) config.name = name->name();
    if (const auto sku = mapping.optional("sku"))
        config.sku = sku->choice({"standard", "basic"}) == 0 ? Sku::standard : Sku::basic;
    if (const auto frontend = mapping.required("frontend")) {
        Mapping below = frontend->mapping();
        if (const auto address = below.required("address")) config.frontend = address->address();
        below.refuse_unknown_keys();
    }
    if (const auto source = mapping.optional("probe_source")) config.probe_source = source->address();
    if (const auto backends = mapping.required("backends")) config.backends = read_backends(*backends);
    std::vector<std::string> probe_names;
    if (const auto probes = mapping.required("probes")) {
        for (const auto& [name, value] : probes->mapping().entries()) {
            config.probes.push_back(read_probe(name, value));
            probe_names.push_back(name);
        }
    }
    if (const auto rules = mapping.required("rules")) config.rules = read_rules(*rules, probe_names);
    read_limits(mapping, config);
    mapping.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return config;
}

Result<Config> load_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node root, config::load_file(path));
    return config_from_tree(root);
}

const char* to_string(ProbeProtocol protocol) {
    return protocol == ProbeProtocol::tcp ? "tcp" : "http";
}

}  // namespace understudy::lb
