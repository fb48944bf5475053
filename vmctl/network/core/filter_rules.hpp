// SPDX-License-Identifier: Apache-2.0
// The fabric's packet filter as nftables text. Each function gives commands for one transaction: nft applies
// them all or none. The order in the forward hook is the contract: source-address check, cuts and losses (so
// that a fault acts on established flows too), established flows, the source's outbound rules, the
// destination's inbound rules, then only what goes to a port passes. Pure. Interface names come from
// port_interface() and groups must have passed check_security_group(): neither can carry anything that nft
// would read as a command.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "vmctl/network/core/security_group.hpp"

namespace understudy::vmctl {

// One direction between two ports, by interface.
struct InterfacePair {
    std::string from;
    std::string to;
    auto operator<=>(const InterfacePair&) const = default;
};

struct FilterPort {
    std::string interface;
    std::vector<Ipv4Address> addresses;
    int group = -1;                       // index of its security group; -1: open
    std::vector<Ipv4Address> floating{};  // not its own, but it may send from them
};

// The table with its sets and chains, empty of ports. Replaces what an earlier call made.
std::string render_filter_base();

// The two chains of group number `index`; replaces their rules if they exist. Flows already established go
// on.
std::string render_group(const SecurityGroup& group, int index, const ServiceTags& tags);

std::string render_port(const FilterPort& port);          // its group's chains must exist
std::string render_port_removal(const FilterPort& port);  // exactly what render_port added

std::string render_cuts(const std::vector<InterfacePair>& pairs);
std::string render_mends(const std::vector<InterfacePair>& pairs);

// Drops `percent` (1 to 99) of the packets of a pair at random. The pair must have no loss yet.
std::string render_loss(const InterfacePair& pair, int percent);
std::string render_loss_removal(const InterfacePair& pair);

}  // namespace understudy::vmctl
