// SPDX-License-Identifier: Apache-2.0
// Load balancers: probes, rules, and what only the data path passthrough can do.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

// As understudy-lb has it (lb/config_probes.cpp).
constexpr std::array<std::uint16_t, 9> forbidden_http_ports{19, 21, 25, 70, 110, 119, 143, 220, 993};

Probe read_probe(const LoadBalancer& balancer, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    Probe probe;
    if (const auto protocol = mapping.required("protocol")) {
        probe.protocol = static_cast<ProbeProtocol>(protocol->choice({"tcp", "http", "https"}));
        if (probe.protocol == ProbeProtocol::https && balancer.sku == Sku::basic)
            protocol->refuse("sku basic has no https probes", "use http or tcp, or set sku: standard");
    }
    const bool http = probe.protocol != ProbeProtocol::tcp;
    if (const auto port = mapping.required("port")) {
        probe.port = port->port();
        const auto& forbidden = forbidden_http_ports;
        if (http && std::find(forbidden.begin(), forbidden.end(), probe.port) != forbidden.end())
            port->refuse(fmt::format("{} is not allowed to an http or https probe", probe.port),
                         fmt::format("use another than {}", fmt::join(forbidden, ", ")));
    }
    if (http) probe.path = "/";
    if (const auto path = mapping.optional("path")) {
        probe.path = path->text();
        if (!http)
            path->refuse("a tcp probe has no path", "leave it out or set protocol: http or https");
        else if (!probe.path.starts_with('/') || probe.path.find_first_of(" \r\n") != std::string::npos)
            path->refuse(fmt::format("'{}' is not a path", probe.path), "write it like /");
    }
    probe.interval = 5s;
    if (const auto interval = mapping.optional("interval")) probe.interval = interval->duration(50ms, 1h);
    probe.timeout = std::min<Duration>(probe.interval, 30s);
    if (const auto timeout = mapping.optional("timeout")) {
        probe.timeout = timeout->duration(10ms, 5min);
        if (probe.timeout > probe.interval)
            timeout->refuse(fmt::format("{} is longer than the interval of {}",
                                        format_duration(probe.timeout), format_duration(probe.interval)),
                            "an attempt ends before the next begins");
        else if (http && probe.timeout > 30s)
            timeout->refuse(fmt::format("{} is above 30s", format_duration(probe.timeout)),
                            "an http or https probe has its answer within 30s");
    }
    if (const auto threshold = mapping.optional("threshold"))
        probe.threshold = static_cast<int>(threshold->integer(1, 100));
    if (const auto mode = mapping.optional("threshold_mode"))
        probe.threshold_mode =
            static_cast<ThresholdMode>(mode->choice({"unhealthy_threshold", "probe_threshold"}));
    if (const auto none = mapping.optional("no_healthy_backends"))
        probe.no_healthy_backends = static_cast<NoHealthyBackends>(none->choice({"all_down", "all_up"}));
    mapping.refuse_unknown_keys();
    return probe;
}

// Refuses what the balancer's data path can't do.
void needs_passthrough(const LoadBalancer& balancer, const config::Value& value, const char* what) {
    if (balancer.data_path == DataPath::proxy)
        value.refuse(fmt::format("data_path proxy has no {}", what), "set data_path: passthrough");
}

// `all` is for load balancing rules of sku standard only: a NAT rule is one port's.
Transport read_transport(const LoadBalancer& balancer, config::Mapping& mapping, bool balances) {
    const auto protocol = mapping.optional("protocol");
    if (!protocol) return Transport::tcp;
    const auto transport = static_cast<Transport>(balances ? protocol->choice({"tcp", "udp", "all"})
                                                           : protocol->choice({"tcp", "udp"}));
    if (transport == Transport::udp) needs_passthrough(balancer, *protocol, "udp");
    if (transport == Transport::all) {
        needs_passthrough(balancer, *protocol, "rule for all ports");
        if (balancer.sku == Sku::basic)
            protocol->refuse("sku basic has no rule for all ports",
                             "give one rule a port, or set sku: standard");
    }
    return transport;
}

void read_ports(config::Mapping& mapping, LoadBalancingRule& rule) {
    if (rule.protocol != Transport::all) {
        if (const auto port = mapping.required("frontend_port")) rule.frontend_port = port->port();
        if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
        return;
    }
    for (const char* key : {"frontend_port", "backend_port"})
        if (const auto port = mapping.optional(key))
            port->refuse("protocol all takes every port as it is",
                         "leave it out, or set protocol: tcp or udp");
}

// Whether both can't be rules of one frontend.
template <typename One, typename Other>
bool share_a_port(const One& one, const Other& other) {
    if (one.protocol == Transport::all || other.protocol == Transport::all) return true;
    return one.frontend_port == other.frontend_port && one.protocol == other.protocol;
}

// idle_timeout and tcp_reset mean the same wherever they stand.
void read_idle(const LoadBalancer& balancer, config::Mapping& mapping, Duration& idle_timeout,
               bool& tcp_reset) {
    idle_timeout = 4min;
    if (const auto timeout = mapping.optional("idle_timeout")) idle_timeout = timeout->duration(1s, 100min);
    const auto reset = mapping.optional("tcp_reset");
    if (!reset) return;
    tcp_reset = reset->boolean();
    if (tcp_reset && balancer.sku == Sku::basic)
        reset->refuse("sku basic sends no reset at the idle timeout", "leave it out, or set sku: standard");
}

LoadBalancingRule read_rule(Reading& reading, const std::string& name_of_balancer,
                            const LoadBalancer& balancer, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    LoadBalancingRule rule;
    if (const auto name = mapping.required("name")) rule.name = name->name();
    rule.protocol = read_transport(balancer, mapping, true);
    read_ports(mapping, rule);
    if (const auto probe = mapping.required("probe")) {
        rule.probe = probe->text();
        reading.checks.push_back([&reading, place = *probe, name = rule.probe, balancer = name_of_balancer] {
            const auto& probes = reading.topology.load_balancers[balancer].probes;
            if (probes.contains(name)) return;
            std::string known;
            for (const auto& [other, unused] : probes) known += (known.empty() ? "" : ", ") + other;
            place.refuse(fmt::format("there is no probe '{}'", name),
                         known.empty() ? "add it to probes" : fmt::format("use one of {}", known));
        });
    }
    if (const auto distribution = mapping.optional("distribution"))
        rule.distribution = static_cast<Distribution>(
            distribution->choice({"five_tuple", "source_ip", "source_ip_protocol"}));
    read_idle(balancer, mapping, rule.idle_timeout, rule.tcp_reset);
    if (const auto floating = mapping.optional("floating_ip")) {
        rule.floating_ip = floating->boolean();
        if (rule.floating_ip) needs_passthrough(balancer, *floating, "floating_ip");
    }
    mapping.refuse_unknown_keys();
    return rule;
}

void read_rules(Reading& reading, const std::string& name, const config::Value& list,
                LoadBalancer& balancer) {
    for (const config::Value& value : list.sequence()) {
        const LoadBalancingRule rule = read_rule(reading, name, balancer, value);
        for (const LoadBalancingRule& other : balancer.rules) {
            if (rule.protocol == Transport::all || other.protocol == Transport::all)
                value.refuse(fmt::format("rule '{}' takes every port of the frontend, and there is '{}' too",
                                         other.protocol == Transport::all ? other.name : rule.name,
                                         other.protocol == Transport::all ? rule.name : other.name),
                             "give every rule a port of its own, or leave the others out");
            else if (share_a_port(other, rule))
                value.refuse(fmt::format("frontend port {} is also that of rule '{}'", rule.frontend_port,
                                         other.name));
            if (other.name == rule.name && !rule.name.empty())
                value.refuse(fmt::format("there is another rule '{}'", rule.name));
        }
        balancer.rules.push_back(rule);
        reading.checks.push_back([&reading, name, rule, value] {
            check_rule_reaches_pool(reading, reading.topology.load_balancers[name], rule, value);
        });
    }
}

void read_pool(Reading& reading, const config::Value& list, LoadBalancer& balancer) {
    for (const config::Value& value : list.sequence()) {
        const std::string machine = value.text();
        if (std::count(balancer.backend_pool.begin(), balancer.backend_pool.end(), machine) > 0)
            value.refuse(fmt::format("'{}' is in the pool already", machine));
        balancer.backend_pool.push_back(machine);
        reading.checks.push_back([&reading, value, machine] {
            if (reading.topology.find_machine(machine) == nullptr)
                value.refuse(fmt::format("there is no virtual machine '{}'", machine),
                             "name one of virtual_machines");
        });
    }
}

void read_inbound_nat(const config::Value& list, LoadBalancer& balancer) {
    needs_passthrough(balancer, list, "inbound_nat_rules");
    for (const config::Value& value : list.sequence()) {
        config::Mapping mapping = value.mapping();
        InboundNatRule rule;
        if (const auto name = mapping.required("name")) rule.name = name->name();
        rule.protocol = read_transport(balancer, mapping, false);
        if (const auto port = mapping.required("frontend_port")) rule.frontend_port = port->port();
        if (const auto machine = mapping.required("machine")) {
            rule.machine = machine->text();
            const auto& pool = balancer.backend_pool;
            if (std::find(pool.begin(), pool.end(), rule.machine) == pool.end())
                machine->refuse(fmt::format("'{}' is not in the backend pool", rule.machine),
                                "name a machine of backend_pool");
        }
        if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
        read_idle(balancer, mapping, rule.idle_timeout, rule.tcp_reset);
        mapping.refuse_unknown_keys();
        const auto same = [&rule](const auto& other) {
            return other.name == rule.name || share_a_port(other, rule);
        };
        if (std::any_of(balancer.rules.begin(), balancer.rules.end(), same) ||
            std::any_of(balancer.inbound_nat_rules.begin(), balancer.inbound_nat_rules.end(), same))
            value.refuse("another rule has its name or its frontend port");
        balancer.inbound_nat_rules.push_back(std::move(rule));
    }
}

void read_outbound(const config::Value& value, LoadBalancer& balancer) {
    needs_passthrough(balancer, value, "outbound");
    if (balancer.sku == Sku::basic)
        value.refuse("sku basic has no outbound rules", "leave it out, or set sku: standard");
    config::Mapping mapping = value.mapping();
    OutboundRule outbound;
    const std::uint64_t pool = std::max<std::uint64_t>(1, balancer.backend_pool.size());
    const std::uint64_t most = 64'000 / pool / 8 * 8;
    if (const auto ports = mapping.optional("ports_per_backend")) {
        outbound.ports_per_backend = static_cast<std::uint16_t>(ports->integer(8, 64'000));
        if (outbound.ports_per_backend % 8 != 0 || outbound.ports_per_backend > most)
            ports->refuse(fmt::format("{} is not a multiple of 8 up to {}, the share of {} backends",
                                      outbound.ports_per_backend, most, pool));
    }
    read_idle(balancer, mapping, outbound.idle_timeout, outbound.tcp_reset);
    mapping.refuse_unknown_keys();
    balancer.outbound = outbound;
}

}  // namespace

void read_load_balancers(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("load_balancers");
    if (!section) return;
    config::Mapping balancers = section->mapping();
    for (const auto& [name, value] : balancers.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        config::Mapping mapping = value.mapping();
        LoadBalancer balancer;
        if (const auto sku = mapping.optional("sku"))
            balancer.sku = static_cast<Sku>(sku->choice({"standard", "basic"}));
        if (const auto path = mapping.optional("data_path"))
            balancer.data_path = static_cast<DataPath>(path->choice({"passthrough", "proxy"}));
        if (const auto frontend = mapping.required("frontend")) {
            config::Mapping members = frontend->mapping();
            if (const auto address = members.required("address"))
                balancer.frontend_address =
                    reading.claim(*address, "load balancer " + name, NetworkRole::public_network)
                        .value_or(Ipv4Address{});
            if (const auto dns = members.required("dns")) {
                balancer.frontend_dns = dns->text();
                check_label(*dns, balancer.frontend_dns);
                if (balancer.frontend_dns != name)
                    reading.host_places.emplace_back(balancer.frontend_dns, *dns);
            }
            members.refuse_unknown_keys();
        }
        if (const auto pool = mapping.required("backend_pool")) read_pool(reading, *pool, balancer);
        if (const auto probes = mapping.required("probes")) {
            config::Mapping members = probes->mapping();
            for (const auto& [probe_name, probe] : members.entries()) {
                check_label(probe, probe_name);
                balancer.probes[probe_name] = read_probe(balancer, probe);
            }
        }
        if (const auto rules = mapping.required("rules")) read_rules(reading, name, *rules, balancer);
        if (const auto rules = mapping.optional("inbound_nat_rules")) read_inbound_nat(*rules, balancer);
        if (const auto outbound = mapping.optional("outbound")) read_outbound(*outbound, balancer);
        mapping.refuse_unknown_keys();
        reading.topology.load_balancers[name] = std::move(balancer);
    }
}

}  // namespace understudy::topology
