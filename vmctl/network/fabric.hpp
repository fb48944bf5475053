// SPDX-License-Identifier: Apache-2.0
// The fabric: the router of a region. Every host's NIC is a routed /32 port in it, so every packet between
// two hosts passes its forward hook, where source checks, faults and security groups are enforced
// (core/filter_rules.hpp).
//
// A host's side of the link: its addresses as /32 on eth0, an on-link route to gateway_address and a default
// route through it. Its MAC is host_mac(first address), which the fabric knows: it asks nobody by ARP, so a
// host that is dead or unplugged is silent (no "host unreachable"), as a powered-off VM is in a cloud. What
// is addressed to no port vanishes; nothing has a way out of the sandbox.
//
// Names: a host keeps its interface ("p0", "p1" …) as long as the fabric lives, through removal and return,
// and cuts stay with the host. The interface's alias is the host's name.
//
// The fabric's own end (169.254.1.1 on every port) can open connections to hosts: that is the management
// side, not subject to security groups or faults. Hosts can't open connections to it.
//
// Make and call it in the sandbox (start_sandbox), from one thread at a time. Each call is complete when it
// returns; a failed call leaves the port or fault as it was. There is nothing to undo at the end: the
// namespace goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/io/nftables.hpp"
#include "base/result.hpp"
#include "vmctl/network/core/filter_rules.hpp"
#include "vmctl/network/core/security_group.hpp"
#include "vmctl/network/netlink.hpp"

namespace understudy::vmctl {

struct FabricConfig {
    Ipv4Network virtual_network;
    Ipv4Network public_network;
    Ipv4Network internet_network;
    Ipv4Address probe_source;
};

struct PortSpec {
    std::string host;
    std::vector<Ipv4Address> addresses;  // at least one; in the region's networks or the probe source
    std::string security_group;          // empty: open
    // Frontends of load balancers with floating IP: the host sends from them, but nothing is routed to it.
    std::vector<Ipv4Address> floating{};
};

struct HostPair {
    std::string from;
    std::string to;
};

class Fabric {
  public:
    // Turns the calling thread's network namespace into the fabric: it must be the sandbox's.
    static Result<Fabric> create(const FabricConfig& config);

    // Replaces all groups in one transaction. A group that a port uses must stay. Established flows go on.
    Result<void> set_security_groups(std::vector<SecurityGroup> groups);

    // Makes the link; the host's end is "eth0" in the network namespace of `network_namespace` (borrowed). A
    // port of the same host must have been removed, an address may belong to one port only (kind bad_input).
    // When the pod's namespace dies the link goes with it, but remove_port() is still due.
    Result<void> add_veth_port(const PortSpec& spec, int network_namespace);

    // Returns the tap's name for the domain's <interface type='ethernet'>.
    Result<std::string> add_tap_port(const PortSpec& spec);

    // Unplugs: for a power-off call this before the host is killed, so that nothing its kernel says gets out.
    // Success when the host has no port.
    Result<void> remove_port(const std::string& host);

    // From now on every packet from one host to the other is dropped, of established flows too. Each cut
    // needs one mend: two faults may cut the same pair, and the last to heal mends it. Hosts must have had a
    // port at some time. All pairs of a call are one transaction. mend() of a pair that isn't cut is an
    // error.
    Result<void> cut(const std::vector<HostPair>& pairs);
    Result<void> mend(const std::vector<HostPair>& pairs);

    // Drops this share of packets, 0 to 99 percent, 0 removes the loss.
    Result<void> set_loss(const HostPair& pair, int percent);

    // Both directions between `host` and every other host that has had a port.
    std::vector<HostPair> pairs_of(const std::string& host) const;

    // The interface of a host that has had a port.
    Result<std::string> interface_of(const std::string& host) const;

    // The ruleset with its counters as nft lists it, for diagnosis.
    Result<std::string> list_ruleset();

  private:
    Fabric(FabricConfig config, Netlink netlink, io::Nftables nftables)
        : config_(std::move(config)), netlink_(std::move(netlink)), nftables_(std::move(nftables)) {}

    ServiceTags tags() const { return {config_.virtual_network, config_.probe_source}; }
    Result<FilterPort> admit(const PortSpec& spec);
    Result<void> attach(const PortSpec& spec, const FilterPort& port);
    Result<std::vector<InterfacePair>> interfaces(const std::vector<HostPair>& pairs) const;

    FabricConfig config_;
    Netlink netlink_;
    io::Nftables nftables_;
    std::vector<SecurityGroup> groups_;
    std::map<std::string, unsigned> numbers_;  // host → port number; never shrinks
    std::map<std::string, FilterPort> ports_;  // host → its port, while it has one
    std::map<InterfacePair, int> cuts_;        // how many faults cut it
    std::map<InterfacePair, int> losses_;      // percent
};

}  // namespace understudy::vmctl
