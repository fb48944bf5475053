// SPDX-License-Identifier: Apache-2.0
// The few rtnetlink requests that the fabric makes, on one socket in the network namespace of the thread that
// made it. Each waits for the kernel's answer. Errors name the interface or route. Threads: one at a time.
#pragma once

#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vmctl/network/core/port_names.hpp"

struct nl_sock;

namespace understudy::vmctl {

class Netlink {
  public:
    static Result<Netlink> open();

    // A veth pair: `name` here, "eth0" with `peer_mac` in the namespace of `peer_namespace` (a descriptor,
    // borrowed).
    Result<void> add_veth(const std::string& name, const MacAddress& mac, int peer_namespace,
                          const MacAddress& peer_mac);

    // Sets address and alias and brings it up.
    Result<void> bring_up(const std::string& name, const MacAddress& mac, const std::string& alias);

    Result<void> add_address(const std::string& name, Ipv4Address address);  // as /32
    Result<void> add_host_route(const std::string& name, Ipv4Address host);  // on-link /32
    Result<void> add_neighbour(const std::string& name, Ipv4Address host,
                               const MacAddress& mac);  // permanent
    Result<void> add_blackhole_default();  // what has no other route vanishes, without an ICMP answer
    Result<void> remove_link(const std::string& name);  // success when it is gone already

  private:
    struct Close {
        void operator()(nl_sock* socket) const;
    };
    explicit Netlink(nl_sock* socket) : socket_(socket) {}
    std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace understudy::vmctl
