// SPDX-License-Identifier: Apache-2.0
// Network security groups as a cloud evaluates them: rules in order of priority (lower first), the first that
// matches decides, and six default rules come last. A group judges the first packet of a flow; answers and
// established flows pass without asking again, so changing a rule touches new flows only. Inbound rules are
// judged at the destination's NIC, outbound rules at the source's; a flow passes when both allow it.
// Rule: azure-docs, virtual-network/network-security-groups-overview.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::vmctl {

enum class RuleDirection { inbound, outbound };
enum class RuleAccess { allow, deny };
enum class RuleProtocol { any, tcp, udp, icmp };

// Internet is everything outside the virtual network but the probe source; AzureLoadBalancer is the probe
// source.
enum class ServiceTag { virtual_network, internet, azure_load_balancer };

struct AnyAddress {
    bool operator==(const AnyAddress&) const = default;
};
using AddressMatch = std::variant<AnyAddress, ServiceTag, std::vector<Ipv4Network>>;

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // inclusive
    bool operator==(const PortRange&) const = default;
};

struct SecurityRule {
    std::string name;
    int priority = 0;  // 100 to 4096 for a user's rule; the default rules have 65000 and above
    RuleDirection direction = RuleDirection::inbound;
    RuleAccess access = RuleAccess::deny;
    RuleProtocol protocol = RuleProtocol::any;
    AddressMatch source;
    AddressMatch destination;
    std::vector<PortRange> ports;  // destination ports; empty is any. With ports, `any` means TCP or UDP.
};

struct SecurityGroup {
    std::string name;
    std::vector<SecurityRule> rules;  // in any order
};

// What the service tags stand for in this region.
struct ServiceTags {
    Ipv4Network virtual_network;
    Ipv4Address probe_source;
};

struct Flow {
    RuleProtocol protocol = RuleProtocol::tcp;  // tcp, udp or icmp; any stands for another protocol
    Ipv4Address source;
    Ipv4Address destination;
    std::uint16_t destination_port = 0;  // TCP and UDP only
};

struct Verdict {
    RuleAccess access = RuleAccess::deny;
    std::string rule;  // the name of the rule that decided
    int priority = 0;
};

// Judges a flow's first packet in one direction. Always decides: the last default rule matches everything.
Verdict evaluate(const SecurityGroup& group, RuleDirection direction, const Flow& flow,
                 const ServiceTags& tags);

// The group's rules of one direction in the order of evaluation, the default rules at the end.
std::vector<SecurityRule> effective_rules(const SecurityGroup& group, RuleDirection direction);

// Refuses a priority outside 100-4096 or used twice in one direction, an empty or odd name (letters, digits,
// '_', '-', '.', at most 80), a name used twice, a port range that is reversed or starts at 0, ports on ICMP.
Result<void> check_security_group(const SecurityGroup& group);

// The words of a topology file. Addresses: "*", "Any", a tag's name, or addresses and networks with commas
// between. Ports: "*", "10010", "10000-10010", or several with commas between.
Result<AddressMatch> parse_address_match(std::string_view text);
Result<std::vector<PortRange>> parse_port_ranges(std::string_view text);

}  // namespace understudy::vmctl
