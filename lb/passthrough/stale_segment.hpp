// SPDX-License-Identifier: Apache-2.0
// Makes an end of a TCP connection speak. A segment without data, as if from the other end and far outside
// the window, is answered by the kernel of any host that still has the connection with an acknowledgement
// (RFC 9293, 3.10.7.4). Where conntrack no longer has the flow, that answer is a stray, and the router's
// reset of it carries the very sequence number its receiver expects. So nobody needs to know the numbers of a
// flow to reset it. Acts on the network namespace of the thread that opened it. Threads: any, one at a time.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::lb {

class StaleSegments {
  public:
    // Error kind environment without CAP_NET_RAW and CAP_NET_ADMIN.
    static Result<StaleSegments> open();

    // Packets carry this mark. What can't be sent is lost, as a packet may be.
    void send(Endpoint from, Endpoint to, std::uint32_t mark);

  private:
    explicit StaleSegments(io::UniqueFd socket) : socket_(std::move(socket)) {}
    io::UniqueFd socket_;
    std::uint32_t mark_ = 0;
};

}  // namespace understudy::lb
