// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/fabric.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/io/unique_fd.hpp"
#include "vmctl/network/tap.hpp"

namespace understudy::vmctl {

namespace {

Result<void> set_sysctl(const std::string& name, const std::string& value) {
    const std::string path = "/proc/sys/net/" + name;
    const io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid() || ::write(file.get(), value.data(), value.size()) < 0) {
        return system_error(path, errno, ErrorKind::environment)
            .with_remedy("a container must have /proc/sys writable: start it with --privileged");
    }
    return {};
}

Result<void> make_router() {
    UNDERSTUDY_CHECK(set_sysctl("ipv4/ip_forward", "1"));
    // Sources are checked per port by the filter; the kernel's check would need routes that agree with it.
    for (const char* which : {"all", "default"}) {
        const std::string prefix = std::string("ipv4/conf/") + which + "/";
        UNDERSTUDY_CHECK(set_sysctl(prefix + "rp_filter", "0"));
        UNDERSTUDY_CHECK(set_sysctl(prefix + "send_redirects", "0"));
    }
    // May be missing: a kernel without IPv6, or conntrack not loaded before its first rule.
    for (const char* which : {"all", "default"}) {
        static_cast<void>(set_sysctl(std::string("ipv6/conf/") + which + "/disable_ipv6", "1"));
    }
    return {};
}

Error bad_port(const PortSpec& spec, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, "port of " + spec.host, std::move(reason))
        .with_remedy(std::move(remedy));
}

}  // namespace

Result<Fabric> Fabric::create(const FabricConfig& config) {
    UNDERSTUDY_CHECK(make_router());
    UNDERSTUDY_TRY(Netlink netlink, Netlink::open());
    UNDERSTUDY_TRY(io::Nftables nftables, io::Nftables::open());
    UNDERSTUDY_CHECK(netlink.add_blackhole_default());
    UNDERSTUDY_CHECK(nftables.run(render_filter_base()));
    // A cut hides segments from one side; a flow must be the same flow when it is mended.
    static_cast<void>(set_sysctl("netfilter/nf_conntrack_tcp_be_liberal", "1"));
    return Fabric(config, std::move(netlink), std::move(nftables));
}

Result<void> Fabric::set_security_groups(std::vector<SecurityGroup> groups) {
    std::set<std::string> names;
    for (const SecurityGroup& group : groups) {
        UNDERSTUDY_CHECK(check_security_group(group));
        if (!names.insert(group.name).second) {
            return Error(ErrorKind::bad_input, "security group " + group.name, "given twice");
        }
    }
    for (const auto& [host, port] : ports_) {
        if (port.group >= 0 && !names.contains(groups_[static_cast<std::size_t>(port.group)].name)) {
            return Error(ErrorKind::bad_input,
                         "security group " + groups_[static_cast<std::size_t>(port.group)].name,
                         "in use by " + host);
        }
    }
    // Groups keep their numbers, new ones are added behind: ports refer to chains by number.
    std::vector<SecurityGroup> next = groups_;
    for (SecurityGroup& group : groups) {
        auto old = std::find_if(next.begin(), next.end(),
                                [&group](const SecurityGroup& other) { return other.name == group.name; });
        if (old == next.end()) {
            next.push_back(std::move(group));
        } else {
            *old = std::move(group);
        }
    }
    std::string commands;
    for (std::size_t i = 0; i < next.size(); ++i)
        commands += render_group(next[i], static_cast<int>(i), tags());
    UNDERSTUDY_CHECK(nftables_.run(commands));
    groups_ = std::move(next);
    return {};
}

Result<void> Fabric::add_veth_port(const PortSpec& spec, int network_namespace) {
    UNDERSTUDY_TRY(const FilterPort port, admit(spec));
    UNDERSTUDY_CHECK(netlink_.add_veth(port.interface, gateway_mac(), network_namespace,
                                       host_mac(spec.addresses.front())));
    return attach(spec, port);
}

Result<std::string> Fabric::add_tap_port(const PortSpec& spec) {
    UNDERSTUDY_TRY(const FilterPort port, admit(spec));
    UNDERSTUDY_CHECK(create_tap(port.interface));
    UNDERSTUDY_CHECK(attach(spec, port));
    return port.interface;
}

Result<FilterPort> Fabric::admit(const PortSpec& spec) {
    if (spec.addresses.empty()) return bad_port(spec, "no address", "give one");
    if (ports_.contains(spec.host)) return bad_port(spec, "it has one already", "remove it first");
    for (const Ipv4Address address : spec.addresses) {
        if (!config_.virtual_network.contains(address) && !config_.public_network.contains(address) &&
            !config_.internet_network.contains(address) && address != config_.probe_source) {
            return bad_port(spec, "address " + to_string(address) + " is in none of the region's networks",
                            "choose one inside a network");
        }
        for (const auto& [other, port] : ports_) {
            if (std::find(port.addresses.begin(), port.addresses.end(), address) != port.addresses.end()) {
                return bad_port(spec, "address " + to_string(address) + " belongs to " + other,
                                "choose another");
            }
        }
    }
    FilterPort port;
    port.addresses = spec.addresses;
    port.floating = spec.floating;
    if (!spec.security_group.empty()) {
        const auto group = std::find_if(
            groups_.begin(), groups_.end(),
            [&spec](const SecurityGroup& candidate) { return candidate.name == spec.security_group; });
        if (group == groups_.end()) {
            return bad_port(spec, "no security group " + spec.security_group, "define it first");
        }
        port.group = static_cast<int>(group - groups_.begin());
    }
    const auto next = static_cast<unsigned>(numbers_.size());
    port.interface = port_interface(numbers_.try_emplace(spec.host, next).first->second);
    // What an earlier port of this host may have left behind: a link whose pod died is gone by itself, a tap
    // is not.
    UNDERSTUDY_CHECK(netlink_.remove_link(port.interface));
    return port;
}

Result<void> Fabric::attach(const PortSpec& spec, const FilterPort& port) {
    const auto set_up = [this, &spec, &port]() -> Result<void> {
        // The filter knows the port before it carries a packet.
        UNDERSTUDY_CHECK(nftables_.run(render_port(port)));
        ports_.emplace(spec.host, port);
        UNDERSTUDY_CHECK(netlink_.bring_up(port.interface, gateway_mac(), spec.host));
        UNDERSTUDY_CHECK(netlink_.add_address(port.interface, gateway_address));
        for (const Ipv4Address address : spec.addresses) {
            UNDERSTUDY_CHECK(netlink_.add_host_route(port.interface, address));
            UNDERSTUDY_CHECK(
                netlink_.add_neighbour(port.interface, address, host_mac(spec.addresses.front())));
        }
        return {};
    };
    Result<void> done = set_up();
    if (done.has_error()) {
        static_cast<void>(netlink_.remove_link(port.interface));
        static_cast<void>(remove_port(spec.host));
    }
    return done;
}

Result<void> Fabric::remove_port(const std::string& host) {
    const auto port = ports_.find(host);
    if (port == ports_.end()) return {};
    UNDERSTUDY_CHECK(netlink_.remove_link(port->second.interface));
    UNDERSTUDY_CHECK(nftables_.run(render_port_removal(port->second)));
    ports_.erase(port);
    return {};
}

Result<void> Fabric::cut(const std::vector<HostPair>& pairs) {
    UNDERSTUDY_TRY(const auto wanted, interfaces(pairs));
    auto next = cuts_;
    std::vector<InterfacePair> added;
    for (const InterfacePair& pair : wanted) {
        if (++next[pair] == 1) added.push_back(pair);
    }
    if (!added.empty()) UNDERSTUDY_CHECK(nftables_.run(render_cuts(added)));
    cuts_ = std::move(next);
    return {};
}

Result<void> Fabric::mend(const std::vector<HostPair>& pairs) {
    UNDERSTUDY_TRY(const auto wanted, interfaces(pairs));
    auto next = cuts_;
    std::vector<InterfacePair> removed;
    for (const InterfacePair& pair : wanted) {
        const auto found = next.find(pair);
        if (found == next.end()) {
            return Error(ErrorKind::failed, "mend from " + pair.from + " to " + pair.to,
                         "the pair isn't cut");
        }
        if (--found->second == 0) {
            next.erase(found);
            removed.push_back(pair);
        }
    }
    if (!removed.empty()) UNDERSTUDY_CHECK(nftables_.run(render_mends(removed)));
    cuts_ = std::move(next);
    return {};
}

Result<void> Fabric::set_loss(const HostPair& pair, int percent) {
    if (percent < 0 || percent > 99) {
        return Error(ErrorKind::bad_input, "loss from " + pair.from + " to " + pair.to, "not 0 to 99 percent")
            .with_number(percent)
            .with_remedy("for all packets use a cut");
    }
    UNDERSTUDY_TRY(const auto found, interfaces({pair}));
    std::string commands;
    if (losses_.contains(found.front())) commands += render_loss_removal(found.front());
    if (percent > 0) commands += render_loss(found.front(), percent);
    if (!commands.empty()) UNDERSTUDY_CHECK(nftables_.run(commands));
    losses_.erase(found.front());
    if (percent > 0) losses_[found.front()] = percent;
    return {};
}

std::vector<HostPair> Fabric::pairs_of(const std::string& host) const {
    std::vector<HostPair> pairs;
    for (const auto& [other, number] : numbers_) {
        if (other == host) continue;
        pairs.push_back({host, other});
        pairs.push_back({other, host});
    }
    return pairs;
}

Result<std::string> Fabric::interface_of(const std::string& host) const {
    const auto number = numbers_.find(host);
    if (number == numbers_.end())
        return Error(ErrorKind::bad_input, "host " + host, "has no port in the fabric");
    return port_interface(number->second);
}

Result<std::string> Fabric::list_ruleset() {
    return nftables_.run("list ruleset");
}

Result<std::vector<InterfacePair>> Fabric::interfaces(const std::vector<HostPair>& pairs) const {
    std::vector<InterfacePair> result;
    for (const HostPair& pair : pairs) {
        UNDERSTUDY_TRY(std::string from, interface_of(pair.from));
        UNDERSTUDY_TRY(std::string to, interface_of(pair.to));
        result.push_back({std::move(from), std::move(to)});
    }
    return result;
}

}  // namespace understudy::vmctl
