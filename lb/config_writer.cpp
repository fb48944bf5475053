// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "lb/config.hpp"

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

// A YAML double-quoted scalar. What the reader lets through in a path is printable ASCII.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

}  // namespace

std::string to_yaml(const Config& config) {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "name: {}\n", quoted(config.name));
    fmt::format_to(out, "sku: {}\n", config.sku == Sku::standard ? "standard" : "basic");
    fmt::format_to(out, "frontend: {{address: {}}}\n", to_string(config.frontend));
    if (config.probe_source) fmt::format_to(out, "probe_source: {}\n", to_string(*config.probe_source));
    text += "backends:\n";
    for (const Backend& backend : config.backends)
        fmt::format_to(out, "  - {{host: {}, address: {}}}\n", quoted(backend.host),
                       to_string(backend.address));
    text += "probes:\n";
    for (const Probe& probe : config.probes) {
        fmt::format_to(out, "  {}: {{protocol: {}, port: {}, ", quoted(probe.name), to_string(probe.protocol),
                       probe.port);
        if (probe.protocol == ProbeProtocol::http) fmt::format_to(out, "path: {}, ", quoted(probe.path));
        fmt::format_to(out, "interval: {}, timeout: {}, threshold: {}}}\n", exact(probe.interval),
                       exact(probe.timeout), probe.threshold);
    }
    text += "rules:\n";
    for (const Rule& rule : config.rules)
        fmt::format_to(out,
                       "  - {{name: {}, protocol: tcp, frontend_port: {}, backend_port: {}, probe: {}}}\n",
                       quoted(rule.name), rule.frontend_port, rule.backend_port, quoted(rule.probe));
    fmt::format_to(out, "idle_timeout: {}\n", exact(config.idle_timeout));
    fmt::format_to(out, "connect_timeout: {}\n", exact(config.connect_timeout));
    fmt::format_to(out, "dead_peer_timeout: {}\n", exact(config.dead_peer_timeout));
    fmt::format_to(out, "on_backend_down: {}\n",
                   config.on_backend_down == OnBackendDown::reset ? "reset" : "keep");
    fmt::format_to(out, "max_connections: {}\n", config.max_connections);
    return text;
}

}  // namespace understudy::lb
