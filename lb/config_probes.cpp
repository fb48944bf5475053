// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lb/config_reading.hpp"

namespace understudy::lb {
namespace {

using config::Mapping;
using config::Value;

constexpr Duration longest_http_timeout = 30s;

// Rule: the cloud's documentation of health probes refuses these to HTTP and HTTPS: other protocols' ports.
constexpr std::array<std::uint16_t, 9> forbidden_http_ports{19, 21, 25, 70, 110, 119, 143, 220, 993};

std::string path_of(const Value& value) {
    std::string path = value.text();
    const bool printable = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 127; });
    if (!path.starts_with('/') || !printable || path.size() > 512)
        value.refuse(fmt::format("'{}' is not a request path", path),
                     "write it like /status, 512 characters at most");
    return path;
}

Probe read_probe(const Reading& reading, const std::string& name, const Value& value) {
    Mapping mapping = value.mapping();
    Probe probe;
    probe.name = name;
    if (const auto protocol = mapping.required("protocol")) {
        probe.protocol = probe_protocol_words.read(*protocol);
        if (probe.protocol == ProbeProtocol::https && reading.basic())
            protocol->refuse("sku basic has no https probes", "use http or tcp, or set sku: standard");
    }
    const bool http = probe.protocol != ProbeProtocol::tcp;
    if (const auto port = mapping.required("port")) {
        probe.port = port->port();
        const auto& forbidden = forbidden_http_ports;
        if (http && std::find(forbidden.begin(), forbidden.end(), probe.port) != forbidden.end())
            port->refuse(
                fmt::format("{} is not allowed to an {} probe", probe.port, to_string(probe.protocol)),
                fmt::format("use another than {}, or protocol: tcp", fmt::join(forbidden, ", ")));
    }
    if (const auto path = mapping.optional("path")) {
        probe.path = path_of(*path);
        if (!http) path->refuse("is for http and https probes only", "leave it out, or set protocol: http");
    }
    probe.interval = duration_or(mapping, "interval", probe.interval);
    const Duration longest = http ? std::min(probe.interval, longest_http_timeout) : probe.interval;
    probe.timeout = longest;
    if (const auto timeout = mapping.optional("timeout")) {
        probe.timeout = timeout->duration(shortest_wait, longest_wait);
        if (probe.timeout > longest)
            timeout->refuse(
                fmt::format("'{}' is above {}", format_duration(probe.timeout), format_duration(longest)),
                "a probe has its answer within its interval, an http or https probe within 30s too");
    }
    if (const auto threshold = mapping.optional("threshold"))
        probe.threshold = static_cast<int>(threshold->integer(1, 1000));
    if (const auto mode = mapping.optional("threshold_mode"))
        probe.threshold_mode = threshold_mode_words.read(*mode);
    if (const auto behaviour = mapping.optional("no_healthy_backends"))
        probe.no_healthy_backends = no_healthy_backends_words.read(*behaviour);
    mapping.refuse_unknown_keys();
    return probe;
}

}  // namespace

void read_probes(Reading& reading, const Value& value) {
    for (const auto& [name, entry] : value.mapping().entries())
        reading.config.probes.push_back(read_probe(reading, name, entry));
    if (reading.config.probes.size() > 100) value.refuse("holds more than 100 probes");
}

}  // namespace understudy::lb
