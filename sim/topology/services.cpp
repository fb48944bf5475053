// SPDX-License-Identifier: Apache-2.0
// File services, databases, the network map and load balancers.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

void read_file_services(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("file_services");
    if (!section) return;
    config::Mapping services = section->mapping();
    for (const auto& [name, value] : services.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        config::Mapping mapping = value.mapping();
        FileService service;
        if (const auto address = mapping.required("address"))
            service.address = reading.claim(*address, "file service " + name, NetworkRole::public_network)
                                  .value_or(Ipv4Address{});
        if (const auto port = mapping.optional("port")) service.port = port->port();
        service.quota_bytes = 1024 * mebibyte;
        if (const auto quota = mapping.optional("quota")) {
            service.quota_bytes = quota->bytes();
            if (quota->is_scalar() && service.quota_bytes < mebibyte)
                quota->refuse(fmt::format("'{}' is less than 1MiB", quota->text()));
        }
        service.client_lease = 30s;
        if (const auto lease = mapping.optional("client_lease"))
            service.client_lease = lease->duration(100ms, 1h);
        mapping.refuse_unknown_keys();
        reading.topology.file_services[name] = service;
    }
}

void read_databases(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("databases");
    if (!section) return;
    config::Mapping databases = section->mapping();
    for (const auto& [name, value] : databases.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        config::Mapping mapping = value.mapping();
        Database database;
        if (const auto address = mapping.required("address"))
            database.address = reading.claim(*address, "database " + name, NetworkRole::public_network)
                                   .value_or(Ipv4Address{});
        if (const auto port = mapping.optional("port")) database.port = port->port();
        if (const auto engine = mapping.optional("engine")) {
            if (engine->is_scalar() && engine->text() == "postgresql")
                engine->refuse("'postgresql' is not supported yet", "use sqlite");
            else
                engine->choice({"sqlite"});
        }
        mapping.refuse_unknown_keys();
        reading.topology.databases[name] = database;
    }
}

void read_network_map(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("network_map");
    if (!section) return;
    reading.host_places.emplace_back(network_map_host, *section);
    config::Mapping mapping = section->mapping();
    NetworkMap map;
    if (const auto address = mapping.required("address"))
        map.address =
            reading.claim(*address, "the network map", NetworkRole::public_network).value_or(Ipv4Address{});
    if (const auto port = mapping.optional("port")) map.port = port->port();
    mapping.refuse_unknown_keys();
    reading.topology.network_map = map;
}

Probe read_probe(const config::Value& value) {
    config::Mapping mapping = value.mapping();
    Probe probe;
    if (const auto protocol = mapping.required("protocol"))
        probe.protocol = static_cast<ProbeProtocol>(protocol->choice({"tcp", "http"}));
    if (const auto port = mapping.required("port")) probe.port = port->port();
    if (probe.protocol == ProbeProtocol::http) probe.path = "/";
    if (const auto path = mapping.optional("path")) {
        probe.path = path->text();
        if (probe.protocol == ProbeProtocol::tcp)
            path->refuse("a tcp probe has no path", "leave it out or set protocol: http");
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
    }
    if (const auto threshold = mapping.optional("threshold"))
        probe.threshold = static_cast<int>(threshold->integer(1, 100));
    mapping.refuse_unknown_keys();
    return probe;
}

LoadBalancingRule read_rule(Reading& reading, const std::string& balancer, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    LoadBalancingRule rule;
    if (const auto name = mapping.required("name")) rule.name = name->name();
    if (const auto protocol = mapping.optional("protocol"))
        rule.protocol = static_cast<Transport>(protocol->choice({"tcp", "udp"}));
    if (const auto port = mapping.required("frontend_port")) rule.frontend_port = port->port();
    if (const auto port = mapping.required("backend_port")) rule.backend_port = port->port();
    if (const auto probe = mapping.required("probe")) {
        rule.probe = probe->text();
        reading.checks.push_back([&reading, place = *probe, name = rule.probe, balancer] {
            const auto& probes = reading.topology.load_balancers[balancer].probes;
            if (probes.contains(name)) return;
            std::string known;
            for (const auto& [other, unused] : probes) known += (known.empty() ? "" : ", ") + other;
            place.refuse(fmt::format("there is no probe '{}'", name),
                         known.empty() ? "add it to probes" : fmt::format("use one of {}", known));
        });
    }
    rule.idle_timeout = 4min;
    if (const auto timeout = mapping.optional("idle_timeout"))
        rule.idle_timeout = timeout->duration(1s, 100min);
    mapping.refuse_unknown_keys();
    return rule;
}

void read_rules(Reading& reading, const std::string& name, const config::Value& list,
                LoadBalancer& balancer) {
    for (const config::Value& value : list.sequence()) {
        const LoadBalancingRule rule = read_rule(reading, name, value);
        for (const LoadBalancingRule& other : balancer.rules) {
            if (other.frontend_port == rule.frontend_port && other.protocol == rule.protocol)
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

}  // namespace

void read_services(Reading& reading, config::Mapping& root) {
    read_file_services(reading, root);
    read_databases(reading, root);
    read_network_map(reading, root);
}

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
                balancer.probes[probe_name] = read_probe(probe);
            }
        }
        if (const auto rules = mapping.required("rules")) read_rules(reading, name, *rules, balancer);
        mapping.refuse_unknown_keys();
        reading.topology.load_balancers[name] = std::move(balancer);
    }
}

}  // namespace understudy::topology
