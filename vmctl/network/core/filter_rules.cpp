// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/filter_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/assert.hpp"

namespace understudy::vmctl {

namespace {

constexpr const char* table = "inet understudy";

std::string chain_of(int group, RuleDirection direction) {
    return fmt::format("group{}_{}", group, direction == RuleDirection::inbound ? "in" : "out");
}

std::string address_condition(const char* field, const AddressMatch& match, const ServiceTags& tags) {
    if (std::holds_alternative<AnyAddress>(match)) return "";
    if (const auto* tag = std::get_if<ServiceTag>(&match)) {
        const std::string network = to_string(tags.virtual_network);
        const std::string probe = to_string(tags.probe_source);
        switch (*tag) {
            case ServiceTag::virtual_network:
                return fmt::format("ip {} {} ", field, network);
            case ServiceTag::azure_load_balancer:
                return fmt::format("ip {} {} ", field, probe);
            case ServiceTag::internet:
                return fmt::format("ip {0} != {1} ip {0} != {2} ", field, network, probe);
        }
    }
    // One after the other would be a conjunction; a set is the disjunction. auto-merge isn't there for
    // anonymous sets in every version, and overlapping intervals are refused, so an element inside another is
    // left out.
    const auto& networks = std::get<std::vector<Ipv4Network>>(match);
    std::vector<std::string> elements;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        bool covered = false;
        for (std::size_t j = 0; j < networks.size(); ++j) {
            const bool inside = networks[j].contains(networks[i].base) &&
                                networks[j].prefix_length <= networks[i].prefix_length;
            covered = covered || (j != i && inside && (networks[j] != networks[i] || j < i));
        }
        if (!covered) elements.push_back(to_string(networks[i]));
    }
    return fmt::format("ip {} {{ {} }} ", field, fmt::join(elements, ", "));
}

// Overlapping ranges become one: nft refuses a set whose intervals overlap.
std::vector<PortRange> merged(std::vector<PortRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
    std::vector<PortRange> result;
    for (const PortRange& range : ranges) {
        if (!result.empty() && range.first <= result.back().last) {
            result.back().last = std::max(result.back().last, range.last);
        } else {
            result.push_back(range);
        }
    }
    return result;
}

std::string protocol_condition(const SecurityRule& rule) {
    if (rule.ports.empty()) {
        switch (rule.protocol) {
            case RuleProtocol::any:
                return "";
            case RuleProtocol::tcp:
                return "meta l4proto tcp ";
            case RuleProtocol::udp:
                return "meta l4proto udp ";
            case RuleProtocol::icmp:
                return "meta l4proto icmp ";
        }
    }
    std::vector<std::string> elements;
    for (const PortRange& range : merged(rule.ports)) {
        elements.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                                     : fmt::format("{}-{}", range.first, range.last));
    }
    const char* protocol = rule.protocol == RuleProtocol::tcp   ? "tcp"
                           : rule.protocol == RuleProtocol::udp ? "udp"
                                                                : "{ tcp, udp }";
    return fmt::format("meta l4proto {} th dport {{ {} }} ", protocol, fmt::join(elements, ", "));
}

// What leaves a group's outbound rules still has the destination's inbound rules before it: hence return.
const char* verdict_of(const SecurityRule& rule) {
    if (rule.access == RuleAccess::deny) return "drop";
    return rule.direction == RuleDirection::outbound ? "return" : "accept";
}

std::string chain_text(const SecurityGroup& group, int index, RuleDirection direction,
                       const ServiceTags& tags) {
    const std::string chain = chain_of(index, direction);
    std::string text = fmt::format("add chain {0} {1}\nflush chain {0} {1}\n", table, chain);
    for (const SecurityRule& rule : effective_rules(group, direction)) {
        text += fmt::format("add rule {} {} {}{}{}counter {} comment \"{}\"\n", table, chain,
                            address_condition("saddr", rule.source, tags),
                            address_condition("daddr", rule.destination, tags), protocol_condition(rule),
                            verdict_of(rule), rule.name);
    }
    return text;
}

std::string pairs_text(const char* command, const std::vector<InterfacePair>& pairs) {
    if (pairs.empty()) return "";
    std::vector<std::string> elements;
    for (const InterfacePair& pair : pairs)
        elements.push_back(fmt::format("\"{}\" . \"{}\"", pair.from, pair.to));
    return fmt::format("{} element {} cut {{ {} }}\n", command, table, fmt::join(elements, ", "));
}

// The elements of a port, added and deleted by the same text.
std::string port_text(const char* command, const FilterPort& port) {
    std::string text = fmt::format("{} element {} ports {{ \"{}\" }}\n", command, table, port.interface);
    std::vector<Ipv4Address> sources = port.addresses;
    sources.insert(sources.end(), port.floating.begin(), port.floating.end());
    for (Ipv4Address address : sources) {
        text += fmt::format("{} element {} sources {{ \"{}\" . {} }}\n", command, table, port.interface,
                            to_string(address));
    }
    if (port.group >= 0) {
        for (const RuleDirection direction : {RuleDirection::outbound, RuleDirection::inbound}) {
            text += fmt::format("{} element {} {} {{ \"{}\" : jump {} }}\n", command, table,
                                direction == RuleDirection::outbound ? "outbound" : "inbound", port.interface,
                                chain_of(port.group, direction));
        }
    }
    return text;
}

}  // namespace

std::string render_filter_base() {
    // Deleting a table that isn't there is an error, adding one that is there is not.
    return fmt::format(R"(add table {0}
delete table {0}
table {0} {{
  set ports {{ type ifname; }}
  set sources {{ type ifname . ipv4_addr; }}
  set cut {{ type ifname . ifname; }}
  map loss {{ type ifname . ifname : verdict; }}
  map outbound {{ type ifname : verdict; }}
  map inbound {{ type ifname : verdict; }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    meta nfproto != ipv4 drop
    iifname . ip saddr != @sources counter drop comment "spoofed source"
    iifname . oifname @cut counter drop comment "cut"
    iifname . oifname vmap @loss
    ct state established,related accept
    iifname vmap @outbound
    oifname vmap @inbound
    oifname @ports accept
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
  }}
}}
)",
                       table);
}

std::string render_group(const SecurityGroup& group, int index, const ServiceTags& tags) {
    return chain_text(group, index, RuleDirection::outbound, tags) +
           chain_text(group, index, RuleDirection::inbound, tags);
}

std::string render_port(const FilterPort& port) {
    return port_text("add", port);
}
std::string render_port_removal(const FilterPort& port) {
    return port_text("delete", port);
}

std::string render_cuts(const std::vector<InterfacePair>& pairs) {
    return pairs_text("add", pairs);
}
std::string render_mends(const std::vector<InterfacePair>& pairs) {
    return pairs_text("delete", pairs);
}

std::string render_loss(const InterfacePair& pair, int percent) {
    UNDERSTUDY_ASSERT(percent >= 1 && percent <= 99, "loss is 1 to 99 percent; 100 is a cut");
    return fmt::format(
        "add chain {0} loss{1}\nflush chain {0} loss{1}\n"
        "add rule {0} loss{1} numgen random mod 100 < {1} counter drop\n"
        "add element {0} loss {{ \"{2}\" . \"{3}\" : jump loss{1} }}\n",
        table, percent, pair.from, pair.to);
}

std::string render_loss_removal(const InterfacePair& pair) {
    return fmt::format("delete element {} loss {{ \"{}\" . \"{}\" }}\n", table, pair.from, pair.to);
}

}  // namespace understudy::vmctl
