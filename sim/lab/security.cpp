// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/security.hpp"

#include "base/assert.hpp"

namespace understudy::lab {
namespace {

vmctl::RuleProtocol protocol_of(topology::SecurityProtocol protocol) {
    switch (protocol) {
        case topology::SecurityProtocol::any:
            return vmctl::RuleProtocol::any;
        case topology::SecurityProtocol::tcp:
            return vmctl::RuleProtocol::tcp;
        case topology::SecurityProtocol::udp:
            return vmctl::RuleProtocol::udp;
        case topology::SecurityProtocol::icmp:
            return vmctl::RuleProtocol::icmp;
    }
    invariant_broken("protocol", "a SecurityProtocol outside the enumeration", __FILE__, __LINE__);
}

vmctl::AddressMatch match_of(const topology::AddressMatch& match) {
    switch (match.kind) {
        case topology::AddressMatch::Kind::any:
            return vmctl::AnyAddress{};
        case topology::AddressMatch::Kind::internet:
            return vmctl::ServiceTag::internet;
        case topology::AddressMatch::Kind::virtual_network:
            return vmctl::ServiceTag::virtual_network;
        case topology::AddressMatch::Kind::load_balancer:
            return vmctl::ServiceTag::azure_load_balancer;
        case topology::AddressMatch::Kind::prefix:
            return std::vector{match.prefix};
    }
    invariant_broken("match.kind", "an AddressMatch outside the enumeration", __FILE__, __LINE__);
}

vmctl::SecurityRule rule_of(const topology::SecurityRule& rule) {
    vmctl::SecurityRule made;
    made.name = rule.name;
    made.priority = rule.priority;
    made.direction = rule.direction == topology::Direction::inbound ? vmctl::RuleDirection::inbound
                                                                    : vmctl::RuleDirection::outbound;
    made.access = rule.access == topology::Access::allow ? vmctl::RuleAccess::allow : vmctl::RuleAccess::deny;
    made.protocol = protocol_of(rule.protocol);
    made.source = match_of(rule.source);
    made.destination = match_of(rule.destination);
    for (const auto& range : rule.ports) made.ports.push_back({range.first, range.last});
    return made;
}

}  // namespace

std::vector<vmctl::SecurityGroup> security_groups(const topology::Topology& topology) {
    std::vector<vmctl::SecurityGroup> groups;
    for (const auto& [name, rules] : topology.security_groups) {
        vmctl::SecurityGroup group{name, {}};
        for (const auto& rule : rules) group.rules.push_back(rule_of(rule));
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace understudy::lab
