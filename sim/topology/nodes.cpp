// SPDX-License-Identifier: Apache-2.0
// Nodes and clients.
#include <fmt/format.h>

#include <charconv>

#include "sim/topology/queries.hpp"
#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

MutualExclusion read_mutual_exclusion(const config::Value& value) {
    config::Mapping mapping = value.mapping();
    MutualExclusion exclusion;
    if (const auto enabled = mapping.required("enabled")) exclusion.enabled = enabled->boolean();
    const auto update =
        exclusion.enabled ? mapping.required("update_interval") : mapping.optional("update_interval");
    const auto wait =
        exclusion.enabled ? mapping.required("wait_interval") : mapping.optional("wait_interval");
    if (update) exclusion.update_interval = update->duration(10ms, 1h);
    if (wait) exclusion.wait_interval = wait->duration(10ms, 1h);
    if (update && wait && exclusion.wait_interval <= exclusion.update_interval)
        wait->refuse(
            fmt::format("{} is not above the update_interval of {}", format_duration(exclusion.wait_interval),
                        format_duration(exclusion.update_interval)),
            fmt::format("a live active would lose its lease: use {} or so",
                        format_duration(2 * exclusion.update_interval)));
    mapping.refuse_unknown_keys();
    return exclusion;
}

void check_legal_name(Reading& reading, const config::Value& value, const std::string& legal_name) {
    for (const char* part : {"O=", "L=", "C="})
        if (legal_name.find(part) == std::string::npos) {
            value.refuse(fmt::format("'{}' has no {}", legal_name, part),
                         "write it like O=Party A, L=London, C=GB");
            break;
        }
    for (const auto& [other_name, other] : reading.topology.nodes)
        if (other.legal_name == legal_name)
            value.refuse(fmt::format("'{}' is also the legal name of {}", legal_name, other_name));
}

void read_ports(config::Mapping& mapping, Node& node) {
    struct Port {
        const char* key;
        std::uint16_t Node::*member;
    };
    constexpr Port ports[] = {
        {"p2p_port", &Node::p2p_port}, {"rpc_port", &Node::rpc_port}, {"http_port", &Node::http_port}};
    for (const Port& port : ports)
        if (const auto value = mapping.optional(port.key)) {
            node.*port.member = value->port();
            for (const Port& other : ports)
                if (other.member != port.member && node.*other.member == node.*port.member)
                    value->refuse(fmt::format("{} is also the {}", node.*port.member, other.key));
        }
}

bool carried_by_machine(const Topology& topology, const std::string& name) {
    for (const auto& [machine_name, machine] : topology.virtual_machines)
        if (machine.node == name) return true;
    return false;
}

void read_own_host(Reading& reading, config::Mapping& mapping, const std::string& name,
                   const config::Value& place, Node& node) {
    node.own_host = !carried_by_machine(reading.topology, name);
    const auto host = mapping.optional("host");
    const auto address = mapping.optional("address");
    if (!node.own_host) {
        for (const auto& value : {host, address})
            if (value) value->refuse("virtual machines carry this node", "leave it out");
        return;
    }
    reading.host_places.emplace_back(name, place);
    if (host) node.host = static_cast<HostWorld>(host->choice({"pod", "vm"}));
    if (address) node.address = reading.claim(*address, "node " + name, NetworkRole::public_network);
}

void read_node(Reading& reading, const std::string& name, const config::Value& place) {
    config::Mapping mapping = place.mapping();
    Node node;
    if (const auto legal_name = mapping.required("legal_name")) {
        node.legal_name = legal_name->text();
        if (legal_name->is_scalar()) check_legal_name(reading, *legal_name, node.legal_name);
    }
    if (const auto database = mapping.optional("database")) {
        node.database = database->text();
        check_reference(reading, *database, node.database, "database", "databases",
                        [name = node.database](const Topology& t) { return t.databases.contains(name); });
    }
    const auto share = mapping.optional("share");
    if (share) node.share = share->text();
    const auto p2p_address = mapping.required("p2p_address");
    if (p2p_address) node.p2p_address = p2p_address->text();
    if (const auto exclusion = mapping.optional("mutual_exclusion"))
        node.mutual_exclusion = read_mutual_exclusion(*exclusion);
    read_ports(mapping, node);
    node.restart_delay = 100ms;
    if (const auto delay = mapping.optional("restart_delay")) node.restart_delay = delay->duration(0ms, 1h);
    if (const auto program = mapping.optional("program")) {
        node.program = program->text();
        if (!node.program.starts_with('/'))
            program->refuse(fmt::format("'{}' is not a path from the root", node.program),
                            "write it like /opt/understudy/bin/my-node");
    }
    if (const auto arguments = mapping.optional("program_arguments")) {
        node.program_arguments = arguments->texts();
        if (node.program.empty()) arguments->refuse("there is no program to give them to", "set program too");
    }
    read_own_host(reading, mapping, name, place, node);
    mapping.refuse_unknown_keys();
    reading.topology.nodes[name] = node;
    if (share)
        reading.checks.push_back([&reading, name, value = *share] { check_share(reading, name, value); });
    reading.checks.push_back(
        [&reading, name, place, p2p_address] { check_node(reading, name, place, p2p_address); });
}

double read_rate(const config::Value& value) {
    const std::string text = value.text();
    double count = 0;
    const auto [after, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(after, static_cast<std::size_t>(text.data() + text.size() - after));
    const double per_second = unit == "/m" ? count / 60 : count;
    if (failure == std::errc() && (unit == "/s" || unit == "/m") && per_second >= 0.01 && per_second <= 1000)
        return per_second;
    if (value.is_scalar())
        value.refuse(fmt::format("'{}' is not a rate up to 1000/s", text), "write it like 10/s or 30/m");
    return 1;
}

void read_client(Reading& reading, const std::string& name, const config::Value& place) {
    config::Mapping mapping = place.mapping();
    Client client;
    if (const auto address = mapping.optional("address"))
        client.address =
            reading.claim(*address, "client " + name, NetworkRole::internet).value_or(Ipv4Address{});
    if (const auto program = mapping.optional("program")) {
        client.program = program->text();
        check_reference(reading, *program, client.program, "program", "programs",
                        [name = client.program](const Topology& t) { return t.programs.contains(name); });
    }
    for (const auto& [key, member] : {std::pair{"calls", &Client::calls}, std::pair{"pays", &Client::pays}}) {
        const bool pays = client.program.empty();
        const auto node = pays ? mapping.required(key) : mapping.optional(key);
        if (node && !pays) {
            node->refuse("the client runs a program", "leave it out, or leave program out");
        } else if (node) {
            client.*member = node->text();
            reading.checks.push_back(
                [&reading, value = *node, called = client.*member, reached = key == std::string("calls")] {
                    if (!reading.topology.nodes.contains(called))
                        value.refuse(fmt::format("there is no node '{}'", called), "name one of nodes");
                    else if (reached && rpc_endpoint(reading.topology, called).host.empty())
                        value.refuse(fmt::format("no load balancer leads to the rpc_port {} of '{}'",
                                                 reading.topology.nodes[called].rpc_port, called),
                                     "add a rule with that backend_port");
                });
        }
    }
    if (client.calls == client.pays && !client.calls.empty())
        mapping.refuse(fmt::format("'{}' would pay itself", client.calls),
                       "pays names another node than calls");
    if (const auto rate = mapping.optional("rate")) client.rate_per_second = read_rate(*rate);
    client.timeout = 2s;
    if (const auto timeout = mapping.optional("timeout")) client.timeout = timeout->duration(10ms, 10min);
    mapping.refuse_unknown_keys();
    reading.topology.clients[name] = client;
}

}  // namespace

void read_nodes(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("nodes");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    for (const auto& [name, value] : mapping.entries()) {
        check_label(value, name);
        read_node(reading, name, value);
    }
}

void read_clients(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("clients");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    for (const auto& [name, value] : mapping.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        read_client(reading, name, value);
    }
}

}  // namespace understudy::topology
