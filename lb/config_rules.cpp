// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.hpp"
#include "lb/config_reading.hpp"

namespace understudy::lb {
namespace {

using config::Mapping;
using config::Value;

// The cloud's range is 4 to 100 minutes. Its lower end would make every test of an idle timeout last 4
// minutes.
constexpr Duration shortest_idle_timeout = 100ms;
constexpr Duration longest_idle_timeout = 100min;

constexpr std::uint64_t outbound_ports_of_an_address = 64'000;
constexpr std::size_t most_rules = 1000;

// One of `known`, or a refusal that names the nearest.
std::string reference(const Value& value, const char* kind, const std::vector<std::string>& known,
                      const char* where) {
    std::string name = value.text();
    if (value.is_scalar() && std::find(known.begin(), known.end(), name) == known.end()) {
        const auto meant = nearest(name, known);
        value.refuse(
            fmt::format("there is no {} '{}'", kind, name),
            meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("define it under {}", where));
    }
    return name;
}

void read_name(Reading& reading, Mapping& mapping, std::string& into) {
    const auto name = mapping.required("name");
    if (!name) return;
    into = name->name();
    if (!reading.rule_names.insert(into).second) name->refuse(fmt::format("'{}' is given twice", into));
}

void refuse_what_the_proxy_cannot(const Reading& reading, const Value& protocol, RuleProtocol asked) {
    if (reading.proxy() && asked != RuleProtocol::tcp)
        protocol.refuse(fmt::format("data_path proxy can't do '{}', tcp only", to_string(asked)),
                        "set protocol: tcp or data_path: passthrough");
}

// idle_timeout, tcp_reset and floating_ip mean the same wherever they stand.
void read_idle(const Reading& reading, Mapping& mapping, RuleProtocol protocol, Duration& idle_timeout,
               bool& tcp_reset) {
    if (const auto timeout = mapping.optional("idle_timeout"))
        idle_timeout = timeout->duration(shortest_idle_timeout, longest_idle_timeout);
    const auto reset = mapping.optional("tcp_reset");
    if (!reset) return;
    tcp_reset = reset->boolean();
    if (tcp_reset && protocol == RuleProtocol::udp)
        reset->refuse("udp has no reset", "leave it out, or set protocol: tcp");
    if (tcp_reset && reading.basic())
        reset->refuse("sku basic sends no reset at the idle timeout", "leave it out, or set sku: standard");
}

void read_floating_ip(const Reading& reading, Mapping& mapping, bool& floating_ip) {
    const auto value = mapping.optional("floating_ip");
    if (!value) return;
    floating_ip = value->boolean();
    if (floating_ip && reading.proxy())
        value->refuse("data_path proxy can't keep the frontend's address towards the backend",
                      "leave it out, or set data_path: passthrough");
}

void read_ports(Reading& reading, Mapping& mapping, const Value& rule_value, Rule& rule) {
    if (rule.protocol != RuleProtocol::all) {
        if (const auto port = mapping.required("frontend_port")) {
            rule.frontend_port = port->port();
            reading.ports.claim(*port, rule.protocol, rule.frontend_port, rule.name);
        }
        if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
        return;
    }
    for (const char* key : {"frontend_port", "backend_port"})
        if (const auto port = mapping.optional(key); port && port->text() != "0")
            port->refuse("protocol all takes every port as it is",
                         "leave it out, or set protocol: tcp or udp");
    reading.ports.claim(rule_value, rule.protocol, 0, rule.name);
}

Rule read_rule(Reading& reading, const std::vector<std::string>& probe_names, const Value& value) {
    Mapping mapping = value.mapping();
    Rule rule;
    read_name(reading, mapping, rule.name);
    if (const auto protocol = mapping.optional("protocol")) {
        rule.protocol = rule_protocol_words.read(*protocol);
        refuse_what_the_proxy_cannot(reading, *protocol, rule.protocol);
        if (rule.protocol == RuleProtocol::all && reading.basic())
            protocol->refuse("sku basic has no rule for all ports",
                             "give one rule a port, or set sku: standard");
    }
    read_ports(reading, mapping, value, rule);
    if (const auto probe = mapping.required("probe"))
        rule.probe = reference(*probe, "probe", probe_names, "probes");
    if (const auto distribution = mapping.optional("distribution"))
        rule.distribution = distribution_words.read(*distribution);
    read_idle(reading, mapping, rule.protocol, rule.idle_timeout, rule.tcp_reset);
    read_floating_ip(reading, mapping, rule.floating_ip);
    if (const auto header = mapping.optional("proxy_protocol")) {
        rule.proxy_protocol = header->boolean();
        if (rule.proxy_protocol && !reading.proxy())
            header->refuse(
                "data_path passthrough can't write a PROXY header; the backend sees the client's "
                "address without one",
                "leave it out, or set data_path: proxy");
    }
    mapping.refuse_unknown_keys();
    return rule;
}

}  // namespace

void FrontendPorts::claim(const Value& value, RuleProtocol protocol, std::uint16_t port,
                          const std::string& owner) {
    const std::string other = protocol == RuleProtocol::all ? first_ : owns_all_;
    if (!other.empty())
        value.refuse(fmt::format("rule '{}' takes every port of the frontend, and there is '{}' too",
                                 owns_all_.empty() ? owner : owns_all_, owns_all_.empty() ? other : owner),
                     "give every rule a port of its own, or leave the others out");
    if (first_.empty()) first_ = owner;
    if (protocol == RuleProtocol::all) {
        if (owns_all_.empty()) owns_all_ = owner;
        return;
    }
    const auto [held, fresh] = owners_.emplace(std::pair(protocol, port), owner);
    if (!fresh)
        value.refuse(fmt::format("{} is already the frontend port of rule '{}'", port, held->second),
                     "give each rule a frontend port of its own");
}

void read_rules(Reading& reading, const Value& value) {
    std::vector<std::string> probe_names;
    for (const Probe& probe : reading.config.probes) probe_names.push_back(probe.name);
    for (const Value& element : value.sequence())
        reading.config.rules.push_back(read_rule(reading, probe_names, element));
    if (reading.config.rules.size() > most_rules)
        value.refuse(fmt::format("holds more than {} rules", most_rules));
}

void read_inbound_nat_rules(Reading& reading, const Value& value) {
    std::vector<std::string> hosts;
    for (const Backend& backend : reading.config.backends) hosts.push_back(backend.host);
    for (const Value& element : value.sequence()) {
        Mapping mapping = element.mapping();
        InboundNatRule rule;
        read_name(reading, mapping, rule.name);
        if (const auto protocol = mapping.optional("protocol")) {
            rule.protocol = protocol->choice({"tcp", "udp"}) == 0 ? RuleProtocol::tcp : RuleProtocol::udp;
            refuse_what_the_proxy_cannot(reading, *protocol, rule.protocol);
        }
        if (const auto port = mapping.required("frontend_port")) {
            rule.frontend_port = port->port();
            reading.ports.claim(*port, rule.protocol, rule.frontend_port, rule.name);
        }
        if (const auto host = mapping.required("host"))
            rule.host = reference(*host, "backend", hosts, "backends");
        if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
        read_idle(reading, mapping, rule.protocol, rule.idle_timeout, rule.tcp_reset);
        read_floating_ip(reading, mapping, rule.floating_ip);
        mapping.refuse_unknown_keys();
        reading.config.inbound_nat_rules.push_back(std::move(rule));
    }
    if (reading.config.inbound_nat_rules.size() > most_rules)
        value.refuse(fmt::format("holds more than {} rules", most_rules));
}

void read_outbound(Reading& reading, const Value& value) {
    if (reading.proxy())
        value.refuse("data_path proxy can't translate what the backends open themselves",
                     "leave it out, or set data_path: passthrough");
    if (reading.basic())
        value.refuse("sku basic has no outbound rules", "leave it out, or set sku: standard");
    Mapping mapping = value.mapping();
    OutboundRule outbound;
    const std::uint64_t backends = std::max<std::uint64_t>(1, reading.config.backends.size());
    const std::uint64_t most = outbound_ports_of_an_address / backends / 8 * 8;
    if (const auto ports = mapping.optional("ports_per_backend"))
        outbound.ports_per_backend =
            static_cast<std::uint16_t>(ports->integer(1, outbound_ports_of_an_address));
    const Value where = mapping.optional("ports_per_backend").value_or(value);
    if (outbound.ports_per_backend % 8 != 0)
        where.refuse(fmt::format("{} ports are not a multiple of 8", outbound.ports_per_backend),
                     fmt::format("set ports_per_backend: {}", (outbound.ports_per_backend / 8 + 1) * 8));
    if (outbound.ports_per_backend > most)
        where.refuse(
            fmt::format("{} ports for each of {} backends are more than the {} of the frontend's address",
                        outbound.ports_per_backend, backends, outbound_ports_of_an_address),
            fmt::format("set ports_per_backend: {} or fewer", most));
    read_idle(reading, mapping, RuleProtocol::tcp, outbound.idle_timeout, outbound.tcp_reset);
    if (const auto inside = mapping.optional("inside"))
        for (const Value& network : inside->sequence()) outbound.inside.push_back(network.network());
    mapping.refuse_unknown_keys();
    reading.config.outbound = outbound;
}

}  // namespace understudy::lb
