// SPDX-License-Identifier: Apache-2.0
// One direction of a flow: moves bytes from one socket to another as far as both allow, without waiting.
// Small amounts are copied through a buffer that all flows of a thread share; once a direction shows that it
// carries bulk, its bytes go through a pipe by splice(2) and never come to user space. Back-pressure: nothing
// is read while the receiver has no room, so a direction holds one buffer or one pipe at most, and nothing
// while it is idle. Sockets are non-blocking and watched edge-triggered: `readable` and `writable` stay true
// until a call said otherwise. Threads: one. Rule: splice(2), epoll(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lb/proxy/pipe_pool.hpp"

namespace understudy::lb {

// One end of a flow as the readiness of its socket is known.
struct Channel {
    int fd = -1;
    bool readable = false;
    bool writable = false;
    bool ending = false;  // its end or its failure is announced: a read is due even after a short one
};

// What the transfers of one thread share.
struct TransferTools {
    std::span<char> buffer;
    PipePool& pipes;
};

enum class TransferState {
    waiting,  // for either socket
    unspent,  // there is more to move, but it is the turn of the others
    ended,    // the sender has ended in order and everything it sent is passed on
    failed,   // either socket failed; error() says how
};

class Transfer {
  public:
    // The bytes passed on are added to `moved`.
    TransferState run(Channel& from, Channel& to, const TransferTools& tools, std::uint64_t& moved);

    // Lets go of what it holds; after this it isn't run again.
    void abandon(const TransferTools& tools);

    bool ended() const { return ended_; }
    int error() const { return error_; }  // errno
    bool splices() const { return pipe_ != nullptr; }

  private:
    enum class Step { went_on, waiting, ended, failed };
    Step copy(Channel& from, Channel& to, const TransferTools& tools, std::uint64_t& moved);
    Step splice_through(Channel& from, Channel& to, const TransferTools& tools, std::uint64_t& moved);
    Step send_rest(Channel& to, std::uint64_t& moved);
    Step empty_pipe(Channel& to, std::uint64_t& moved);
    Step fail(int error);

    // What the receiver had no room for; only while it hasn't.
    struct Rest {
        std::vector<char> bytes;
        std::size_t sent = 0;
    };
    std::unique_ptr<Rest> rest_;
    std::unique_ptr<Pipe> pipe_;
    int error_ = 0;
    std::uint8_t large_ = 0;  // large reads, or small splices, in a row
    bool ended_ = false;
};

}  // namespace understudy::lb
