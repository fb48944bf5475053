// SPDX-License-Identifier: Apache-2.0
// What needs more than one section to be judged.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/topology/queries.hpp"
#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

bool from_internet(const Topology& topology, const AddressMatch& source, bool whole) {
    if (source.kind == AddressMatch::Kind::any || source.kind == AddressMatch::Kind::internet) return true;
    if (source.kind != AddressMatch::Kind::prefix) return false;
    const Ipv4Network& internet = topology.network.internet;
    if (!whole) return source.prefix.overlaps(internet);
    return source.prefix.prefix_length <= internet.prefix_length && source.prefix.contains(internet.base);
}

bool covers(const SecurityRule& rule, SecurityProtocol protocol, std::uint16_t port) {
    if (rule.protocol != SecurityProtocol::any && rule.protocol != protocol) return false;
    return rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(),
                                             [port](const PortRange& range) { return range.contains(port); });
}

// The public network's addresses can't be reached when a name or address isn't one that some host has.
void check_p2p_host(Reading& reading, const config::Value& value, const std::string& host) {
    const Topology& topology = reading.topology;
    const auto records = dns_records(topology);
    const std::string zone = "." + topology.network.dns_zone;
    const std::string example = topology.load_balancers.empty()
                                    ? "party-b" + zone
                                    : topology.load_balancers.begin()->second.frontend_dns + zone;
    const std::string remedy =
        fmt::format("use a static public address or a public name such as {}", example);
    if (host.find_first_not_of("0123456789.") == std::string::npos) {
        const auto address = parse_address(host);
        if (address.has_error()) return value.refuse(fmt::format("'{}' is not an address", host), remedy);
        if (address->bits == 0)
            return value.refuse("0.0.0.0 is not an address that other nodes can call", remedy);
        if (topology.network.virtual_network.contains(*address))
            return value.refuse(fmt::format("{} is private to the virtual network", host), remedy);
        if (std::none_of(records.begin(), records.end(),
                         [&](const auto& record) { return record.second == *address; }))
            value.refuse(fmt::format("nothing in the region has the address {}", host), remedy);
        return;
    }
    if (records.contains(host)) return;
    const bool in_zone = host.ends_with(zone);
    if (in_zone && topology.find_machine(host.substr(0, host.size() - zone.size())) != nullptr)
        return value.refuse(fmt::format("'{}' is a virtual machine, whose address is private", host), remedy);
    value.refuse(in_zone ? fmt::format("nothing in the region has the name '{}'", host)
                         : fmt::format("'{}' is not in the zone {}", host, topology.network.dns_zone),
                 remedy);
}

void check_p2p_address(Reading& reading, const config::Value& value) {
    if (!value.is_scalar()) return;
    const std::string text = value.text();
    const std::size_t colon = text.rfind(':');
    const auto port = colon == std::string::npos ? parse_port("") : parse_port(text.substr(colon + 1));
    if (port.has_error())
        value.refuse(fmt::format("'{}' does not end in a port from 1 to 65535", text),
                     "write it like corda-lb.region.test:10010");
    const std::string host = text.substr(0, colon);
    check_p2p_host(reading, value, host);
}

void check_shared_node(Reading& reading, const std::string& name, const config::Value& place,
                       std::size_t machines) {
    const Node& node = reading.topology.nodes[name];
    if (!node.mutual_exclusion.enabled)
        place.refuse(
            fmt::format("{} virtual machines carry it, but its mutual_exclusion is off: all would be active",
                        machines),
            "write mutual_exclusion: {enabled: true, update_interval: 20s, wait_interval: 40s}");
    if (node.database.empty())
        place.refuse(fmt::format("{} virtual machines carry it, but it has no shared database", machines),
                     "name one of databases");
    if (node.share.empty())
        reading.warn(place,
                     "its machines share no directory, so messages in the journal are lost at a failover");
}

// A node's account has the node's name, and PostgreSQL keeps some names for itself.
void check_account(Reading& reading, const std::string& name, const config::Value& place) {
    const auto database = reading.topology.databases.find(reading.topology.nodes[name].database);
    if (database == reading.topology.databases.end() || database->second.engine != DatabaseEngine::postgresql)
        return;
    if (name.starts_with("pg-") || name == "public" || name == "none")
        place.refuse(fmt::format("PostgreSQL has no account of the name '{}'", name),
                     "give the node another name, or its database the engine sqlite");
}

// A node's tables have the same names whoever it belongs to. PostgreSQL keeps each account's in a schema of
// its own; in an SQLite file two parties would hold one lease and one vault.
void check_own_tables(Reading& reading, const std::string& name, const config::Value& place) {
    const std::string& wanted = reading.topology.nodes[name].database;
    const auto database = reading.topology.databases.find(wanted);
    if (database == reading.topology.databases.end() || database->second.engine != DatabaseEngine::sqlite)
        return;
    for (const auto& [other_name, other] : reading.topology.nodes)
        if (other_name < name && other.database == wanted) {
            place.refuse(fmt::format("its database {} is also that of {}, and its tables would be the same",
                                     wanted, other_name),
                         "give it a database of its own, or the database engine: postgresql");
            return;
        }
}

}  // namespace

void check_reference(Reading& reading, const config::Value& value, const std::string& name, const char* kind,
                     const char* section, std::function<bool(const Topology&)> exists) {
    reading.checks.push_back([&reading, value, name, kind, section, exists = std::move(exists)] {
        if (!exists(reading.topology))
            value.refuse(fmt::format("there is no {} '{}'", kind, name),
                         fmt::format("name one of {}", section));
    });
}

bool open_to_internet(const Topology& topology, const std::vector<SecurityRule>& rules,
                      SecurityProtocol protocol, std::uint16_t port) {
    std::vector<const SecurityRule*> ordered;
    for (const SecurityRule& rule : rules)
        if (rule.direction == Direction::inbound && covers(rule, protocol, port)) ordered.push_back(&rule);
    std::sort(ordered.begin(), ordered.end(),
              [](const SecurityRule* a, const SecurityRule* b) { return a->priority < b->priority; });
    for (const SecurityRule* rule : ordered) {
        if (rule->access == Access::allow && from_internet(topology, rule->source, false)) return true;
        if (rule->access == Access::deny && from_internet(topology, rule->source, true)) return false;
    }
    return false;  // the default rule 65500 DenyAllInbound
}

void check_names(Reading& reading) {
    std::map<std::string, config::Place> seen;
    for (const auto& [name, value] : reading.host_places) {
        const auto [at, fresh] = seen.emplace(name, value.place());
        if (!fresh)
            value.refuse(fmt::format("the name '{}' is taken by {}", name, at->second.message_prefix()),
                         "hosts and public names share one name space");
    }
}

void check_share(Reading& reading, const std::string& name, const config::Value& value) {
    const std::string& share = reading.topology.nodes[name].share;
    const auto below_mount = [&](const VirtualMachine& machine) {
        return std::any_of(machine.mounts.begin(), machine.mounts.end(), [&](const auto& mount) {
            return share == mount.first || share.starts_with(mount.first + "/");
        });
    };
    if (reading.topology.nodes[name].own_host) {
        value.refuse("a node that is a host of its own mounts nothing", "leave it out");
        return;
    }
    for (const auto& [machine_name, machine] : reading.topology.virtual_machines)
        if (machine.node == name && !below_mount(machine))
            return value.refuse(fmt::format("'{}' is not below a mount of {}", share, machine_name),
                                "name a path of the machine's mounts");
}

void check_node(Reading& reading, const std::string& name, const config::Value& place,
                const std::optional<config::Value>& p2p_address) {
    const std::size_t machines = hosts_of_node(reading.topology, name).size();
    if (machines > 1) check_shared_node(reading, name, place, machines);
    const Node& node = reading.topology.nodes[name];
    if (node.mutual_exclusion.enabled && node.database.empty() && machines <= 1)
        reading.warn(place, "mutual exclusion in a private database excludes nobody");
    check_account(reading, name, place);
    check_own_tables(reading, name, place);
    if (p2p_address) check_p2p_address(reading, *p2p_address);
}

void check_rule_reaches_pool(Reading& reading, const LoadBalancer& balancer, const LoadBalancingRule& rule,
                             const config::Value& place) {
    const Topology& topology = reading.topology;
    const auto protocol = rule.protocol == Transport::tcp ? SecurityProtocol::tcp : SecurityProtocol::udp;
    std::set<std::string> judged;  // a group is judged once, not for each of its machines
    for (const std::string& name : balancer.backend_pool) {
        const VirtualMachine* machine = topology.find_machine(name);
        if (machine == nullptr) continue;
        if (machine->security_group.empty() && balancer.sku == Sku::standard)
            reading.warn(place,
                         fmt::format("{} has no security group; behind a standard load balancer the cloud "
                                     "closes it, here it is open",
                                     name));
        const auto group = topology.security_groups.find(machine->security_group);
        // Which of all ports are meant to be open nobody says.
        if (rule.backend_port != 0 && group != topology.security_groups.end() &&
            judged.insert(machine->security_group).second &&
            !open_to_internet(topology, group->second, protocol, rule.backend_port))
            place.refuse(fmt::format("security group '{}' of {} closes backend port {} to the Internet",
                                     machine->security_group, name, rule.backend_port),
                         "allow it there with an inbound rule from source Internet");
        const auto probe = balancer.probes.find(rule.probe);
        const auto node = topology.nodes.find(machine->node);
        if (probe == balancer.probes.end() || node == topology.nodes.end() || !node->second.program.empty())
            continue;
        const std::uint16_t port = probe->second.port;
        if (port != node->second.p2p_port && port != node->second.rpc_port && port != node->second.http_port)
            reading.warn(place, fmt::format("probe '{}' asks port {}, which the node of {} doesn't serve",
                                            rule.probe, port, name));
    }
}

}  // namespace understudy::topology
