// SPDX-License-Identifier: Apache-2.0
#include "lb/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lb/config_reading.hpp"

namespace understudy::lb {

using config::Mapping;
using config::Value;

const Words<Sku> sku_words{{"standard", "basic"}};
const Words<DataPathKind> data_path_words{{"passthrough", "proxy"}};
const Words<ProbeProtocol> probe_protocol_words{{"tcp", "http", "https"}};
const Words<RuleProtocol> rule_protocol_words{{"tcp", "udp", "all"}};
const Words<OnBackendDown> on_backend_down_words{{"reset", "keep"}};
const Words<ThresholdMode> threshold_mode_words{{"unhealthy_threshold", "probe_threshold"}};
const Words<NoHealthyBackends> no_healthy_backends_words{{"all_down", "all_up"}};
const Words<Distribution> distribution_words{{"five_tuple", "source_ip", "source_ip_protocol"}};

namespace {

constexpr std::size_t longest_socket_path = 107;  // sun_path of unix(7) with its final zero
constexpr std::size_t longest_path = 4095;

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
        backend.enabled = boolean_or(mapping, "enabled", backend.enabled);
        mapping.refuse_unknown_keys();
        backends.push_back(std::move(backend));
    }
    if (backends.empty() && list.is_sequence())
        list.refuse("holds no backend", "give at least one {host, address}");
    if (backends.size() > 1000) list.refuse("holds more than 1000 backends");
    return backends;
}

std::string file_path(const Value& value, std::size_t longest) {
    std::string path = value.text();
    const bool control =
        std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < ' ' || c == 127; });
    if (value.is_scalar() && (path.empty() || control || path.size() > longest))
        value.refuse(fmt::format("'{}' is not a path that can be used", path),
                     fmt::format("write 1 to {} bytes, without control characters", longest));
    return path;
}

void read_operation(Reading& reading, Mapping& mapping) {
    Config& config = reading.config;
    config.drain_timeout = duration_or(mapping, "drain_timeout", config.drain_timeout);
    config.connect_timeout = duration_or(mapping, "connect_timeout", config.connect_timeout);
    config.dead_peer_timeout = duration_or(mapping, "dead_peer_timeout", config.dead_peer_timeout);
    if (const auto limit = mapping.optional("max_connections"))
        config.max_connections = static_cast<int>(limit->integer(1, 1'000'000));
    if (const auto threads = mapping.optional("threads"))
        config.threads = static_cast<int>(threads->integer(1, 64));
    if (const auto path = mapping.optional("admin_socket"))
        config.admin_socket = file_path(*path, longest_socket_path);
    if (const auto path = mapping.optional("network_namespace")) {
        config.network_namespace = file_path(*path, longest_path);
        if (reading.proxy())
            path->refuse("data_path proxy works in the process's own network namespace",
                         "leave it out, or set data_path: passthrough");
    }
    if (!reading.proxy()) config.on_backend_down = OnBackendDown::keep;
    if (const auto policy = mapping.optional("on_backend_down")) {
        config.on_backend_down = on_backend_down_words.read(*policy);
        if (!reading.proxy() && config.on_backend_down == OnBackendDown::reset)
            policy->refuse("data_path passthrough always keeps what is established",
                           "leave it out, or set data_path: proxy");
    }
}

}  // namespace

Duration duration_or(Mapping& from, const std::string& key, Duration otherwise) {
    const auto value = from.optional(key);
    return value ? value->duration(shortest_wait, longest_wait) : otherwise;
}

bool boolean_or(Mapping& from, const std::string& key, bool otherwise) {
    const auto value = from.optional(key);
    return value ? value->boolean() : otherwise;
}

Result<Config> config_from_tree(const config::Node& root) {
    config::Diagnostics diagnostics;
    Mapping mapping = Value(root, "", diagnostics).mapping();
    Reading reading;
    Config& config = reading.config;
    if (const auto name = mapping.required("name")) config.name = name->name();
    if (const auto sku = mapping.optional("sku")) config.sku = sku_words.read(*sku);
    if (const auto data_path = mapping.optional("data_path"))
        config.data_path = data_path_words.read(*data_path);
    if (const auto frontend = mapping.required("frontend")) {
        Mapping below = frontend->mapping();
        if (const auto address = below.required("address")) config.frontend = address->address();
        below.refuse_unknown_keys();
    }
    if (const auto source = mapping.optional("probe_source")) config.probe_source = source->address();
    if (const auto backends = mapping.required("backends")) config.backends = read_backends(*backends);
    const auto nat_rules = mapping.optional("inbound_nat_rules");
    const auto outbound = mapping.optional("outbound");
    // A balancer may be there for the sake of inbound NAT or outbound rules alone, without a probe.
    const bool alone = !nat_rules && !outbound;
    if (const auto probes = alone ? mapping.required("probes") : mapping.optional("probes"))
        read_probes(reading, *probes);
    if (const auto rules = alone ? mapping.required("rules") : mapping.optional("rules")) {
        read_rules(reading, *rules);
        if (alone && config.rules.empty() && rules->is_sequence())
            rules->refuse("holds no rule", "give at least one");
    }
    if (nat_rules) read_inbound_nat_rules(reading, *nat_rules);
    if (outbound) read_outbound(reading, *outbound);
    read_operation(reading, mapping);
    mapping.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return config;
}

Result<Config> load_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node root, config::load_file(path));
    return config_from_tree(root);
}

const char* to_string(ProbeProtocol protocol) {
    return probe_protocol_words.of(protocol).c_str();
}

const char* to_string(RuleProtocol protocol) {
    return rule_protocol_words.of(protocol).c_str();
}

}  // namespace understudy::lb
