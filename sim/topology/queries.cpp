// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/queries.hpp"

#include <algorithm>

namespace understudy::topology {
namespace {

NamedEndpoint endpoint_of(const Topology& topology, const std::string& node_name, std::uint16_t port) {
    const auto node = topology.nodes.find(node_name);
    if (node == topology.nodes.end()) return {};
    if (node->second.own_host) return {node_name + "." + topology.network.dns_zone, port};
    const std::vector<std::string> machines = hosts_of_node(topology, node_name);
    for (const auto& [name, balancer] : topology.load_balancers) {
        const auto& pool = balancer.backend_pool;
        const bool carries = std::any_of(machines.begin(), machines.end(), [&](const std::string& machine) {
            return std::find(pool.begin(), pool.end(), machine) != pool.end();
        });
        if (!carries) continue;
        for (const LoadBalancingRule& rule : balancer.rules)
            if (rule.protocol == Transport::all)
                return {balancer.frontend_dns + "." + topology.network.dns_zone, port};
            else if (rule.protocol == Transport::tcp && rule.backend_port == port)
                return {balancer.frontend_dns + "." + topology.network.dns_zone, rule.frontend_port};
    }
    return {};
}

std::vector<std::string> machines_of_program(const Topology& topology, const std::string& program) {
    std::vector<std::string> names;
    for (const auto& [name, machine] : topology.virtual_machines)
        if (machine.program == program) names.push_back(name);
    return names;
}

}  // namespace

const char* to_string(HostKind kind) {
    switch (kind) {
        case HostKind::virtual_machine:
            return "virtual machine";
        case HostKind::node:
            return "node";
        case HostKind::load_balancer:
            return "load balancer";
        case HostKind::file_service:
            return "file service";
        case HostKind::database:
            return "database";
        case HostKind::network_map:
            return "network map";
        case HostKind::client:
            break;
    }
    return "client";
}

std::vector<Host> hosts(const Topology& topology) {
    std::vector<Host> all;
    for (const auto& [name, machine] : topology.virtual_machines)
        all.push_back({name, HostKind::virtual_machine, machine.address, HostWorld::vm, machine.node});
    for (const auto& [name, node] : topology.nodes)
        if (node.own_host)
            all.push_back({name, HostKind::node, node.address.value_or(Ipv4Address{}), node.host, name});
    for (const auto& [name, balancer] : topology.load_balancers)
        all.push_back({name, HostKind::load_balancer, balancer.frontend_address, HostWorld::pod, {}});
    for (const auto& [name, service] : topology.file_services)
        all.push_back({name, HostKind::file_service, service.address, HostWorld::pod, {}});
    for (const auto& [name, database] : topology.databases)
        all.push_back({name, HostKind::database, database.address, HostWorld::pod, {}});
    if (topology.network_map)
        all.push_back(
            {network_map_host, HostKind::network_map, topology.network_map->address, HostWorld::pod, {}});
    for (const auto& [name, client] : topology.clients)
        all.push_back({name, HostKind::client, client.address, HostWorld::pod, {}});
    return all;
}

std::map<std::string, Ipv4Address> dns_records(const Topology& topology) {
    std::map<std::string, Ipv4Address> records;
    for (const Host& host : hosts(topology))
        if (host.kind != HostKind::virtual_machine && host.kind != HostKind::load_balancer)
            records[host.name + "." + topology.network.dns_zone] = host.address;
    for (const auto& [name, balancer] : topology.load_balancers)
        records[balancer.frontend_dns + "." + topology.network.dns_zone] = balancer.frontend_address;
    return records;
}

Duration idle_in_transaction_limit(const Topology& topology) {
    Duration limit = 10s;
    for (const auto& [name, node] : topology.nodes)
        if (node.mutual_exclusion.enabled) limit = std::min(limit, node.mutual_exclusion.update_interval / 2);
    return std::max<Duration>(limit, 100ms);
}

std::vector<std::string> hosts_of_node(const Topology& topology, const std::string& node) {
    std::vector<std::string> names;
    for (const Host& host : hosts(topology))
        if (host.node == node) names.push_back(host.name);
    return names;
}

std::string high_availability_node(const Topology& topology) {
    for (const auto& [name, node] : topology.nodes)
        if (node.mutual_exclusion.enabled && hosts_of_node(topology, name).size() > 1) return name;
    return {};
}

std::string high_availability_program(const Topology& topology) {
    for (const auto& [name, program] : topology.programs)
        if (program.active_port && machines_of_program(topology, name).size() > 1) return name;
    return {};
}

std::vector<std::string> high_availability_hosts(const Topology& topology) {
    const std::string node = high_availability_node(topology);
    if (!node.empty()) return hosts_of_node(topology, node);
    const std::string program = high_availability_program(topology);
    return program.empty() ? std::vector<std::string>{} : machines_of_program(topology, program);
}

bool has_postgresql(const Topology& topology) {
    return std::any_of(topology.databases.begin(), topology.databases.end(),
                       [](const auto& entry) { return entry.second.engine == DatabaseEngine::postgresql; });
}

bool has_programs(const Topology& topology) {
    return std::any_of(topology.virtual_machines.begin(), topology.virtual_machines.end(),
                       [](const auto& entry) { return !entry.second.program.empty(); }) ||
           std::any_of(topology.clients.begin(), topology.clients.end(),
                       [](const auto& entry) { return !entry.second.program.empty(); });
}

NamedEndpoint rpc_endpoint(const Topology& topology, const std::string& node) {
    const auto found = topology.nodes.find(node);
    return found == topology.nodes.end() ? NamedEndpoint{}
                                         : endpoint_of(topology, node, found->second.rpc_port);
}

}  // namespace understudy::topology
