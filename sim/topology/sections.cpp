// SPDX-License-Identifier: Apache-2.0
// Networks, security groups, availability sets, virtual machines.
#include <fmt/format.h>

#include <array>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

Ipv4Network documentation_network(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return Ipv4Network{Ipv4Address{a << 24 | b << 16 | c << 8}, 24};
}

Ipv4Address from_the_end(const Ipv4Network& network, std::uint32_t offset) {
    return Ipv4Address{network.base.bits + static_cast<std::uint32_t>(network.address_count() - 1) - offset};
}

Ipv4Network read_region_network(Reading& reading, config::Mapping& mapping, const std::string& key,
                                Ipv4Network fallback) {
    const auto value = mapping.optional(key);
    if (!value) return fallback;
    const std::size_t before = reading.diagnostics.all().size();
    const Ipv4Network network = value->network();
    static const std::array reserved{Ipv4Network{Ipv4Address{0}, 8}, Ipv4Network{Ipv4Address{127u << 24}, 8},
                                     Ipv4Network{Ipv4Address{169u << 24 | 254u << 16}, 16},
                                     Ipv4Network{Ipv4Address{224u << 24}, 3}};
    if (reading.diagnostics.all().size() == before &&
        (network.prefix_length < 8 || network.prefix_length > 29))
        value->refuse(fmt::format("'{}' has a prefix that is not from /8 to /29", to_string(network)));
    else if (reading.diagnostics.all().size() == before)
        for (const Ipv4Network& other : reserved)
            if (other.overlaps(network))
                value->refuse(
                    fmt::format("'{}' overlaps the reserved {}", to_string(network), to_string(other)),
                    fmt::format("use a documentation range such as {}", to_string(fallback)));
    if (reading.diagnostics.all().size() == before) return network;
    reading.networks_valid = false;
    return fallback;
}

std::optional<PortRange> read_port_range(const config::Value& value, const std::string& text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_port(text.substr(dash + 1));
    if (first.has_value() && last.has_value() && *first <= *last) return PortRange{*first, *last};
    value.refuse(first.has_value() && last.has_value()
                     ? fmt::format("'{}' begins above its end", text)
                     : fmt::format("'{}' is not a port or a range of ports from 1 to 65535", text),
                 "write it like \"10010\" or \"10000-10015\"");
    return std::nullopt;
}

AddressMatch read_address_match(const config::Value& value) {
    const std::string text = value.text();
    if (text == "*" || text == "Any") return {};
    if (text == "Internet") return {AddressMatch::Kind::internet, {}};
    if (text == "VirtualNetwork") return {AddressMatch::Kind::virtual_network, {}};
    if (text == "AzureLoadBalancer") return {AddressMatch::Kind::load_balancer, {}};
    if (const auto network = parse_network(text); network.has_value())
        return {AddressMatch::Kind::prefix, *network};
    if (const auto address = parse_address(text); address.has_value())
        return {AddressMatch::Kind::prefix, Ipv4Network{*address, 32}};
    if (value.is_scalar())
        value.refuse(
            fmt::format("'{}' is neither an address, a network nor a tag", text),
            "use *, Internet, VirtualNetwork, AzureLoadBalancer or a network such as 203.0.113.0/24");
    return {};
}

SecurityRule read_security_rule(const config::Value& value) {
    config::Mapping mapping = value.mapping();
    SecurityRule rule;
    if (const auto name = mapping.required("name")) rule.name = name->name();
    if (const auto priority = mapping.required("priority"))
        rule.priority = static_cast<int>(priority->integer(100, 4096));
    if (const auto direction = mapping.required("direction"))
        rule.direction = static_cast<Direction>(direction->choice({"inbound", "outbound"}));
    if (const auto access = mapping.required("access"))
        rule.access = static_cast<Access>(access->choice({"allow", "deny"}));
    if (const auto protocol = mapping.optional("protocol"))
        rule.protocol = static_cast<SecurityProtocol>(protocol->choice({"any", "tcp", "udp", "icmp"}));
    if (const auto source = mapping.optional("source")) rule.source = read_address_match(*source);
    if (const auto destination = mapping.optional("destination"))
        rule.destination = read_address_match(*destination);
    if (const auto ports = mapping.optional("ports"))
        for (const std::string& text : ports->texts())
            if (text != "*")
                if (const auto range = read_port_range(*ports, text)) rule.ports.push_back(*range);
    mapping.refuse_unknown_keys();
    return rule;
}

void read_mounts(Reading& reading, const config::Value& value, VirtualMachine& machine) {
    config::Mapping mapping = value.mapping();
    for (const auto& [path, service] : mapping.entries()) {
        const std::string name = service.text();
        if (path.size() < 2 || path.front() != '/' || path.find("..") != std::string::npos ||
            path.back() == '/')
            service.refuse(fmt::format("'{}' is not a mount point", path), "write it like /mnt/cordastorage");
        machine.mounts[path] = name;
        check_reference(reading, service, name, "file service", "file_services",
                        [name](const Topology& t) { return t.file_services.contains(name); });
    }
}

VirtualMachine read_virtual_machine(Reading& reading, const std::string& name, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    VirtualMachine machine;
    if (const auto address = mapping.required("address"))
        machine.address = reading.claim(*address, "virtual machine " + name, NetworkRole::virtual_network)
                              .value_or(Ipv4Address{});
    if (const auto set = mapping.optional("availability_set")) {
        machine.availability_set = set->text();
        check_reference(
            reading, *set, machine.availability_set, "availability set", "availability_sets",
            [n = machine.availability_set](const Topology& t) { return t.availability_sets.contains(n); });
    }
    if (const auto group = mapping.optional("security_group")) {
        machine.security_group = group->text();
        check_reference(
            reading, *group, machine.security_group, "security group", "security_groups",
            [n = machine.security_group](const Topology& t) { return t.security_groups.contains(n); });
    }
    machine.memory_bytes = 128 * mebibyte;
    if (const auto memory = mapping.optional("memory")) {
        machine.memory_bytes = memory->bytes();
        if (machine.memory_bytes != 0 &&
            (machine.memory_bytes < 64 * mebibyte || machine.memory_bytes > mebibyte << 20))
            memory->refuse(fmt::format("'{}' is not from 64MiB to 1024GiB", memory->text()));
    }
    if (const auto vcpus = mapping.optional("vcpus")) machine.vcpus = static_cast<int>(vcpus->integer(1, 64));
    if (const auto mounts = mapping.optional("mounts")) read_mounts(reading, *mounts, machine);
    if (const auto node = mapping.optional("node")) {
        machine.node = node->text();
        check_reference(reading, *node, machine.node, "node", "nodes",
                        [n = machine.node](const Topology& t) { return t.nodes.contains(n); });
    }
    if (const auto program = mapping.optional("program")) {
        machine.program = program->text();
        check_reference(reading, *program, machine.program, "program", "programs",
                        [n = machine.program](const Topology& t) { return t.programs.contains(n); });
        if (!machine.node.empty()) program->refuse("the machine carries a node already", "leave one out");
    }
    machine.machine_name = name;
    if (const auto machine_name = mapping.optional("machine_name")) {
        machine.machine_name = machine_name->name();
        for (const auto& [other_name, other] : reading.topology.virtual_machines)
            if (other.machine_name == machine.machine_name && other.node == machine.node &&
                !machine.node.empty())
                machine_name->refuse(
                    fmt::format(
                        "'{}' is also the machine name of {}, so either would take the other's lease at once",
                        machine.machine_name, other_name),
                    "give each machine of a node its own");
    }
    mapping.refuse_unknown_keys();
    return machine;
}

}  // namespace

std::optional<Ipv4Address> Reading::claim(const config::Value& value, const std::string& owner,
                                          NetworkRole role) {
    const std::size_t before = diagnostics.all().size();
    const Ipv4Address address = value.address();
    if (diagnostics.all().size() != before) return std::nullopt;
    claims.push_back({address, owner, role, value});
    return address;
}

void Reading::warn(const config::Value& value, const std::string& text) {
    topology.warnings.push_back(
        fmt::format("{}: {}: {}", value.place().message_prefix(), value.path(), text));
}

void check_label(const config::Value& value, const std::string& label) {
    bool fits = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-';
    for (const char c : label) fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    if (!fits)
        value.refuse(fmt::format("'{}' is not a name", label),
                     "use 1 to 63 lower-case letters, digits or '-'");
}

void read_network(Reading& reading, config::Mapping& root) {
    Network& network = reading.topology.network;
    static const config::Node nothing;
    const auto section = root.optional("network");
    config::Mapping mapping =
        section ? section->mapping() : config::Mapping(nothing, "network", reading.diagnostics);
    network.virtual_network =
        read_region_network(reading, mapping, "virtual_network", documentation_network(192, 0, 2));
    network.public_network =
        read_region_network(reading, mapping, "public", documentation_network(203, 0, 113));
    network.internet = read_region_network(reading, mapping, "internet", documentation_network(198, 51, 100));
    network.dns_zone = "region.test";
    if (const auto zone = mapping.optional("dns_zone")) {
        network.dns_zone = zone->text();
        std::size_t at = 0;
        while (at <= network.dns_zone.size()) {
            const std::size_t dot = std::min(network.dns_zone.find('.', at), network.dns_zone.size());
            check_label(*zone, network.dns_zone.substr(at, dot - at));
            at = dot + 1;
        }
    }
    network.dns_address = from_the_end(network.public_network, 2);
    if (const auto address = mapping.optional("dns_address"))
        network.dns_address = reading.claim(*address, "the zone's server", NetworkRole::public_network)
                                  .value_or(network.dns_address);
    network.probe_source = from_the_end(network.public_network, 1);
    if (const auto address = mapping.optional("probe_source"))
        network.probe_source = reading.claim(*address, "the probes' source", NetworkRole::public_network)
                                   .value_or(network.probe_source);
    mapping.refuse_unknown_keys();
    const auto overlap = [&](const Ipv4Network& a, const char* a_key, const Ipv4Network& b,
                             const char* b_key) {
        if (!reading.networks_valid || !a.overlaps(b)) return;
        if (const auto value = mapping.optional(a_key))
            value->refuse(fmt::format("'{}' overlaps {} {}", to_string(a), b_key, to_string(b)),
                          "give each network addresses of its own");
        else if (const auto other = mapping.optional(b_key))
            other->refuse(fmt::format("'{}' overlaps {} {}", to_string(b), a_key, to_string(a)),
                          "give each network addresses of its own");
        reading.networks_valid = false;
    };
    overlap(network.public_network, "public", network.virtual_network, "virtual_network");
    overlap(network.internet, "internet", network.virtual_network, "virtual_network");
    overlap(network.internet, "internet", network.public_network, "public");
}

void read_security_groups(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("security_groups");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    for (const auto& [name, group] : mapping.entries()) {
        check_label(group, name);
        std::vector<SecurityRule>& rules = reading.topology.security_groups[name];
        for (const config::Value& value : group.sequence()) {
            const SecurityRule rule = read_security_rule(value);
            for (const SecurityRule& other : rules) {
                if (other.direction == rule.direction && other.priority == rule.priority)
                    value.refuse(
                        fmt::format("priority {} is also that of rule '{}'", rule.priority, other.name),
                        "priorities are unique in their direction");
                if (other.name == rule.name && !rule.name.empty())
                    value.refuse(fmt::format("there is another rule '{}' in this group", rule.name));
            }
            rules.push_back(rule);
        }
    }
}

void read_availability_sets(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("availability_sets");
    if (!section) return;
    config::Mapping sets = section->mapping();
    for (const auto& [name, value] : sets.entries()) {
        check_label(value, name);
        config::Mapping mapping = value.mapping();
        AvailabilitySet set;
        if (const auto domains = mapping.optional("fault_domains"))
            set.fault_domains = static_cast<int>(domains->integer(1, 3));
        if (const auto domains = mapping.optional("update_domains"))
            set.update_domains = static_cast<int>(domains->integer(1, 20));
        mapping.refuse_unknown_keys();
        reading.topology.availability_sets[name] = set;
    }
}

void read_virtual_machines(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("virtual_machines");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    for (const auto& [name, value] : mapping.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        reading.machine_places.emplace_back(name, value);
        // Two statements: reading looks at the machines read so far.
        VirtualMachine machine = read_virtual_machine(reading, name, value);
        reading.topology.virtual_machines.emplace_back(name, std::move(machine));
    }
}

}  // namespace understudy::topology
