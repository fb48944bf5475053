// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <iterator>

#include "lb/config_reading.hpp"

namespace understudy::lb {
namespace {

// Exact, unlike format_duration(), which rounds for people: a nanosecond count loses nothing.
std::string exact(Duration duration) {
    struct Unit {
        const char* name;
        std::int64_t nanoseconds;
    };
    for (const Unit unit : {Unit{"s", 1'000'000'000}, Unit{"ms", 1'000'000}, Unit{"us", 1'000}})
        if (duration.count() % unit.nanoseconds == 0)
            return fmt::format("{}{}", duration.count() / unit.nanoseconds, unit.name);
    return fmt::format("{}ns", duration.count());
}

// A YAML double-quoted scalar. The reader lets no control character through.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

using Out = std::back_insert_iterator<std::string>;

void write(Out out, const Probe& probe) {
    fmt::format_to(out, "  {}: {{protocol: {}, port: {}, ", quoted(probe.name), to_string(probe.protocol),
                   probe.port);
    if (probe.protocol != ProbeProtocol::tcp) fmt::format_to(out, "path: {}, ", quoted(probe.path));
    fmt::format_to(
        out, "interval: {}, timeout: {}, threshold: {}, threshold_mode: {}, no_healthy_backends: {}}}\n",
        exact(probe.interval), exact(probe.timeout), probe.threshold,
        threshold_mode_words.of(probe.threshold_mode),
        no_healthy_backends_words.of(probe.no_healthy_backends));
}

void write(Out out, const Rule& rule) {
    fmt::format_to(out, "  - {{name: {}, protocol: {}, ", quoted(rule.name), to_string(rule.protocol));
    if (rule.protocol != RuleProtocol::all)
        fmt::format_to(out, "frontend_port: {}, backend_port: {}, ", rule.frontend_port, rule.backend_port);
    fmt::format_to(out,
                   "probe: {}, distribution: {}, idle_timeout: {}, tcp_reset: {}, floating_ip: {}, "
                   "proxy_protocol: {}}}\n",
                   quoted(rule.probe), distribution_words.of(rule.distribution), exact(rule.idle_timeout),
                   rule.tcp_reset, rule.floating_ip, rule.proxy_protocol);
}

void write(Out out, const InboundNatRule& rule) {
    fmt::format_to(
        out,
        "  - {{name: {}, protocol: {}, frontend_port: {}, host: {}, backend_port: {}, idle_timeout: "
        "{}, tcp_reset: {}, floating_ip: {}}}\n",
        quoted(rule.name), to_string(rule.protocol), rule.frontend_port, quoted(rule.host), rule.backend_port,
        exact(rule.idle_timeout), rule.tcp_reset, rule.floating_ip);
}

template <typename Parts>
void write_list(std::string& text, const char* key, const Parts& parts) {
    if (parts.empty()) return;
    text += key;
    for (const auto& part : parts) write(std::back_inserter(text), part);
}

}  // namespace

std::string to_yaml(const Config& config) {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "name: {}\n", quoted(config.name));
    fmt::format_to(out, "sku: {}\n", sku_words.of(config.sku));
    fmt::format_to(out, "data_path: {}\n", data_path_words.of(config.data_path));
    fmt::format_to(out, "frontend: {{address: {}}}\n", to_string(config.frontend));
    if (config.probe_source) fmt::format_to(out, "probe_source: {}\n", to_string(*config.probe_source));
    text += "backends:\n";
    for (const Backend& backend : config.backends)
        fmt::format_to(out, "  - {{host: {}, address: {}, enabled: {}}}\n", quoted(backend.host),
                       to_string(backend.address), backend.enabled);
    write_list(text, "probes:\n", config.probes);
    write_list(text, "rules:\n", config.rules);
    write_list(text, "inbound_nat_rules:\n", config.inbound_nat_rules);
    if (config.outbound) {
        std::vector<std::string> inside;
        for (const Ipv4Network& network : config.outbound->inside) inside.push_back(to_string(network));
        fmt::format_to(out,
                       "outbound: {{ports_per_backend: {}, idle_timeout: {}, tcp_reset: {}, inside: [{}]}}\n",
                       config.outbound->ports_per_backend, exact(config.outbound->idle_timeout),
                       config.outbound->tcp_reset, fmt::join(inside, ", "));
    }
    fmt::format_to(out, "drain_timeout: {}\n", exact(config.drain_timeout));
    if (!config.admin_socket.empty()) fmt::format_to(out, "admin_socket: {}\n", quoted(config.admin_socket));
    if (!config.network_namespace.empty())
        fmt::format_to(out, "network_namespace: {}\n", quoted(config.network_namespace));
    fmt::format_to(out, "threads: {}\n", config.threads);
    fmt::format_to(out, "connect_timeout: {}\n", exact(config.connect_timeout));
    fmt::format_to(out, "dead_peer_timeout: {}\n", exact(config.dead_peer_timeout));
    fmt::format_to(out, "on_backend_down: {}\n", on_backend_down_words.of(config.on_backend_down));
    fmt::format_to(out, "max_connections: {}\n", config.max_connections);
    return text;
}

}  // namespace understudy::lb
