// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/security_group.hpp"

#include <algorithm>
#include <set>

#include "base/assert.hpp"

namespace understudy::vmctl {

namespace {

bool matches(const AddressMatch& match, Ipv4Address address, const ServiceTags& tags) {
    if (std::holds_alternative<AnyAddress>(match)) return true;
    if (const auto* tag = std::get_if<ServiceTag>(&match)) {
        const bool in_network = tags.virtual_network.contains(address);
        const bool is_probe = address == tags.probe_source;
        switch (*tag) {
            case ServiceTag::virtual_network:
                return in_network;
            case ServiceTag::azure_load_balancer:
                return is_probe;
            case ServiceTag::internet:
                return !in_network && !is_probe;
        }
    }
    const auto& networks = std::get<std::vector<Ipv4Network>>(match);
    return std::any_of(networks.begin(), networks.end(),
                       [address](const Ipv4Network& network) { return network.contains(address); });
}

bool matches(const SecurityRule& rule, const Flow& flow, const ServiceTags& tags) {
    if (rule.protocol != RuleProtocol::any && rule.protocol != flow.protocol) return false;
    if (!rule.ports.empty()) {
        if (flow.protocol != RuleProtocol::tcp && flow.protocol != RuleProtocol::udp) return false;
        if (std::none_of(rule.ports.begin(), rule.ports.end(), [&flow](const PortRange& range) {
                return range.first <= flow.destination_port && flow.destination_port <= range.last;
            })) {
            return false;
        }
    }
    return matches(rule.source, flow.source, tags) && matches(rule.destination, flow.destination, tags);
}

std::vector<SecurityRule> default_rules(RuleDirection direction) {
    const auto rule = [direction](std::string name, int priority, RuleAccess access, AddressMatch source,
                                  AddressMatch destination) {
        return SecurityRule{
            std::move(name),        priority, direction, access, RuleProtocol::any, std::move(source),
            std::move(destination), {}};
    };
    if (direction == RuleDirection::inbound) {
        return {rule("AllowVNetInBound", 65000, RuleAccess::allow, ServiceTag::virtual_network,
                     ServiceTag::virtual_network),
                rule("AllowAzureLoadBalancerInBound", 65001, RuleAccess::allow,
                     ServiceTag::azure_load_balancer, AnyAddress{}),
                rule("DenyAllInbound", 65500, RuleAccess::deny, AnyAddress{}, AnyAddress{})};
    }
    return {rule("AllowVnetOutBound", 65000, RuleAccess::allow, ServiceTag::virtual_network,
                 ServiceTag::virtual_network),
            rule("AllowInternetOutBound", 65001, RuleAccess::allow, AnyAddress{}, ServiceTag::internet),
            rule("DenyAllOutBound", 65500, RuleAccess::deny, AnyAddress{}, AnyAddress{})};
}

Error refusal(const SecurityGroup& group, const SecurityRule& rule, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, "security group " + group.name + ", rule " + rule.name,
                 std::move(reason))
        .with_remedy(std::move(remedy));
}

bool is_proper_name(const std::string& name) {
    return !name.empty() && name.size() <= 80 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.';
    });
}

}  // namespace

std::vector<SecurityRule> effective_rules(const SecurityGroup& group, RuleDirection direction) {
    std::vector<SecurityRule> rules;
    std::copy_if(group.rules.begin(), group.rules.end(), std::back_inserter(rules),
                 [direction](const SecurityRule& rule) { return rule.direction == direction; });
    std::stable_sort(rules.begin(), rules.end(),
                     [](const SecurityRule& a, const SecurityRule& b) { return a.priority < b.priority; });
    for (SecurityRule& rule : default_rules(direction)) rules.push_back(std::move(rule));
    return rules;
}

Verdict evaluate(const SecurityGroup& group, RuleDirection direction, const Flow& flow,
                 const ServiceTags& tags) {
    for (const SecurityRule& rule : effective_rules(group, direction)) {
        if (matches(rule, flow, tags)) return {rule.access, rule.name, rule.priority};
    }
    UNDERSTUDY_ASSERT(false, "the last default rule matches every flow");
}

Result<void> check_security_group(const SecurityGroup& group) {
    std::set<std::pair<RuleDirection, int>> priorities;
    std::set<std::string> names;
    for (const SecurityRule& rule : group.rules) {
        if (!is_proper_name(rule.name)) {
            return refusal(group, rule, "not a proper name", "use 1 to 80 letters, digits, '_', '-' and '.'");
        }
        if (!names.insert(rule.name).second)
            return refusal(group, rule, "name used twice", "rename one of the two");
        if (rule.priority < 100 || rule.priority > 4096) {
            return refusal(group, rule, "priority out of range", "give 100 to 4096")
                .with_number(rule.priority);
        }
        if (!priorities.insert({rule.direction, rule.priority}).second) {
            return refusal(group, rule, "priority used twice in one direction", "give each rule its own")
                .with_number(rule.priority);
        }
        if (!rule.ports.empty() && rule.protocol == RuleProtocol::icmp) {
            return refusal(group, rule, "ICMP has no ports", "leave ports out");
        }
        for (const PortRange& range : rule.ports) {
            if (range.first == 0 || range.first > range.last) {
                return refusal(group, rule, "not a port range",
                               "give FIRST-LAST with 1 <= FIRST <= LAST <= 65535");
            }
        }
    }
    return {};
}

}  // namespace understudy::vmctl
