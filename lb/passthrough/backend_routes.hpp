// SPDX-License-Identifier: Apache-2.0
// Floating IP: routes packets to the frontend to the backend that their mark names. For each backend one
// policy rule (to the frontend, with the backend's id in the mark's lower half) and one routing table, whose
// number is the backend's address: so two balancers with one backend share what says the same. What a table
// can't deliver vanishes. The frontend must not be an address of the router itself. Acts on the network
// namespace of the thread that opened it. Threads: one at a time.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "lb/passthrough/netlink_socket.hpp"

namespace understudy::lb {

class BackendRoutes {
  public:
    struct Wanted {
        std::uint16_t id = 0;  // of the backend in marks
        Ipv4Address backend;
        auto operator<=>(const Wanted&) const = default;
    };

    static Result<BackendRoutes> open();

    // From now on these, and no others of ours.
    Result<void> set(Ipv4Address frontend, const std::vector<Wanted>& wanted);

    // Routes vanish with the interface they lead through. This puts back what can be had again.
    void refresh();

    void clear();

  private:
    explicit BackendRoutes(NetlinkSocket socket) : socket_(std::move(socket)) {}
    Result<void> change_rule(int type, int flags, Ipv4Address frontend, const Wanted& wanted);
    int change_route(int type, int flags, Ipv4Address backend, bool blackhole);
    bool in_use(Ipv4Address backend);
    void remove(Ipv4Address frontend, const Wanted& wanted);

    NetlinkSocket socket_;
    Ipv4Address frontend_;
    std::set<Wanted> present_;
};

}  // namespace understudy::lb
