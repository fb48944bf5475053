// SPDX-License-Identifier: Apache-2.0
// The kernel's table of flows (conntrack) as far as a load balancer needs it: which flows there are, ending
// one, and being told which ones ended by themselves while established. Acts on the network namespace of the
// thread that opened it. IPv4. Threads: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "lb/passthrough/netlink_socket.hpp"

namespace understudy::lb {

// One direction of a flow as its packets look where they enter. Ports are 0 where the protocol has none.
struct FlowTuple {
    Endpoint source;
    Endpoint destination;
};

struct ConntrackFlow {
    std::uint8_t protocol = 0;  // IP protocol number
    FlowTuple original;         // of the side that opened it, before translation
    FlowTuple reply;            // of the other side, before translation back
    std::uint32_t mark = 0;
    std::uint32_t id = 0;
    int tcp_state = 0;  // TCP_CONNTRACK_…
    // TCP: the handshake is done and not everything is closed. Others: always.
    bool open() const;
};

class Conntrack {
  public:
    static Result<Conntrack> open();

    // The flows with this mark, or all of them.
    Result<std::vector<ConntrackFlow>> flows(std::optional<std::uint32_t> mark);

    // Success where it is gone already.
    Result<void> remove(const ConntrackFlow& flow);

    // Ends what is past its timeout. The kernel does it by itself, but up to a minute late.
    Result<void> sweep();

  private:
    explicit Conntrack(NetlinkSocket socket) : socket_(std::move(socket)) {}
    NetlinkSocket socket_;
};

// TCP flows that end while ESTABLISHED or half closed without anybody having ended them: their idle timeout.
// The kernel's filter keeps everything else from waking this process. If more end at once than the socket
// holds, some aren't told: a record of the kernel's, not a promise.
class IdleFlows {
  public:
    static Result<IdleFlows> open();
    int descriptor() const { return socket_.descriptor(); }  // readable when there are some
    std::vector<ConntrackFlow> take();                       // doesn't block

  private:
    explicit IdleFlows(NetlinkSocket socket) : socket_(std::move(socket)) {}
    NetlinkSocket socket_;
};

}  // namespace understudy::lb
