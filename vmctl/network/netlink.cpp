// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/netlink.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>

#include <cerrno>

namespace understudy::vmctl {

namespace {

// libnl's objects are counted references: one owner each here.
struct Release {
    void operator()(rtnl_link* link) const { rtnl_link_put(link); }
    void operator()(rtnl_addr* address) const { rtnl_addr_put(address); }
    void operator()(rtnl_route* route) const { rtnl_route_put(route); }
    void operator()(rtnl_neigh* neighbour) const { rtnl_neigh_put(neighbour); }
    void operator()(nl_addr* address) const { nl_addr_put(address); }
};
template <typename T>
using Owned = std::unique_ptr<T, Release>;

Owned<nl_addr> to_nl(const MacAddress& mac) {
    return Owned<nl_addr>(nl_addr_build(AF_LLC, mac.data(), mac.size()));
}

Owned<nl_addr> to_nl(Ipv4Address address) {
    const std::uint32_t bytes = htonl(address.bits);
    return Owned<nl_addr>(nl_addr_build(AF_INET, &bytes, sizeof bytes));
}

Result<void> outcome(int code, const std::string& subject) {
    if (code >= 0) return {};
    Error error(ErrorKind::failed, subject, nl_geterror(code));
    if (code == -NLE_PERM || code == -NLE_NOACCESS || code == -NLE_OPNOTSUPP) {
        error.kind = ErrorKind::environment;
        error.remedy = "understudy doctor lists what the machine must permit";
    }
    return std::move(error).with_number(-code);
}

Result<int> index_of(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0) return system_error("interface " + name, errno);
    return static_cast<int>(index);
}

}  // namespace

void Netlink::Close::operator()(nl_sock* socket) const {
    nl_socket_free(socket);
}

Result<Netlink> Netlink::open() {
    Netlink netlink(nl_socket_alloc());
    if (!netlink.socket_) return Error(ErrorKind::failed, "netlink", "out of memory");
    UNDERSTUDY_CHECK(outcome(nl_connect(netlink.socket_.get(), NETLINK_ROUTE), "netlink socket"));
    return netlink;
}

Result<void> Netlink::add_veth(const std::string& name, const MacAddress& mac, int peer_namespace,
                               const MacAddress& peer_mac) {
    const Owned<rtnl_link> link(rtnl_link_veth_alloc());
    const Owned<rtnl_link> peer(rtnl_link_veth_get_peer(link.get()));
    const Owned<nl_addr> address = to_nl(mac);
    const Owned<nl_addr> peer_address = to_nl(peer_mac);
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_addr(link.get(), address.get());
    rtnl_link_set_name(peer.get(), "eth0");
    rtnl_link_set_addr(peer.get(), peer_address.get());
    rtnl_link_set_ns_fd(peer.get(), peer_namespace);
    return outcome(rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "veth pair " + name);
}

Result<void> Netlink::bring_up(const std::string& name, const MacAddress& mac, const std::string& alias) {
    UNDERSTUDY_TRY(const int index, index_of(name));
    const Owned<rtnl_link> which(rtnl_link_alloc());
    rtnl_link_set_ifindex(which.get(), index);
    const Owned<rtnl_link> change(rtnl_link_alloc());
    const Owned<nl_addr> address = to_nl(mac);
    rtnl_link_set_addr(change.get(), address.get());
    rtnl_link_set_ifalias(change.get(), alias.c_str());
    rtnl_link_set_flags(change.get(), IFF_UP);
    return outcome(rtnl_link_change(socket_.get(), which.get(), change.get(), 0), "interface " + name);
}

Result<void> Netlink::add_address(const std::string& name, Ipv4Address address) {
    UNDERSTUDY_TRY(const int index, index_of(name));
    const Owned<rtnl_addr> entry(rtnl_addr_alloc());
    const Owned<nl_addr> local = to_nl(address);
    rtnl_addr_set_ifindex(entry.get(), index);
    rtnl_addr_set_local(entry.get(), local.get());
    rtnl_addr_set_prefixlen(entry.get(), 32);
    return outcome(rtnl_addr_add(socket_.get(), entry.get(), 0),
                   "address " + to_string(address) + " on " + name);
}

Result<void> Netlink::add_host_route(const std::string& name, Ipv4Address host) {
    UNDERSTUDY_TRY(const int index, index_of(name));
    const Owned<rtnl_route> route(rtnl_route_alloc());
    const Owned<nl_addr> destination = to_nl(host);
    rtnl_nexthop* hop = rtnl_route_nh_alloc();  // the route owns it from here
    rtnl_route_nh_set_ifindex(hop, index);
    rtnl_route_add_nexthop(route.get(), hop);
    rtnl_route_set_family(route.get(), AF_INET);
    rtnl_route_set_scope(route.get(), RT_SCOPE_LINK);
    rtnl_route_set_dst(route.get(), destination.get());
    return outcome(rtnl_route_add(socket_.get(), route.get(), NLM_F_CREATE | NLM_F_EXCL),
                   "route to " + to_string(host) + " through " + name);
}

Result<void> Netlink::add_neighbour(const std::string& name, Ipv4Address host, const MacAddress& mac) {
    UNDERSTUDY_TRY(const int index, index_of(name));
    const Owned<rtnl_neigh> neighbour(rtnl_neigh_alloc());
    const Owned<nl_addr> destination = to_nl(host);
    const Owned<nl_addr> address = to_nl(mac);
    rtnl_neigh_set_ifindex(neighbour.get(), index);
    rtnl_neigh_set_dst(neighbour.get(), destination.get());
    rtnl_neigh_set_lladdr(neighbour.get(), address.get());
    rtnl_neigh_set_state(neighbour.get(), NUD_PERMANENT);
    return outcome(rtnl_neigh_add(socket_.get(), neighbour.get(), NLM_F_CREATE | NLM_F_REPLACE),
                   "neighbour " + to_string(host) + " on " + name);
}

Result<void> Netlink::add_blackhole_default() {
    const Owned<rtnl_route> route(rtnl_route_alloc());
    const Owned<nl_addr> everything(nl_addr_alloc(0));
    nl_addr_set_family(everything.get(), AF_INET);
    rtnl_route_set_family(route.get(), AF_INET);
    rtnl_route_set_type(route.get(), RTN_BLACKHOLE);
    rtnl_route_set_scope(route.get(), RT_SCOPE_UNIVERSE);
    rtnl_route_set_dst(route.get(), everything.get());
    return outcome(rtnl_route_add(socket_.get(), route.get(), NLM_F_CREATE | NLM_F_REPLACE),
                   "blackhole route");
}

Result<void> Netlink::remove_link(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0) return {};
    const Owned<rtnl_link> link(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), static_cast<int>(index));
    const int code = rtnl_link_delete(socket_.get(), link.get());
    if (code == -NLE_NODEV || code == -NLE_OBJ_NOTFOUND) return {};
    return outcome(code, "interface " + name);
}

}  // namespace understudy::vmctl
