// SPDX-License-Identifier: Apache-2.0
// Who is told that a descriptor became ready, and the set of the descriptors watched (epoll). A flow's
// sockets are registered once for their lifetime, edge-triggered: there is no call into the kernel for each
// wait, which is what Asio's reactor would need, and what a proxy of small messages spends its time on.
// Ownership: a handler outlives its descriptor; closing the descriptor ends the watch. Threads: one. Rule:
// epoll(7).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::lb {

class ReadinessHandler {
  public:
    virtual void on_ready(std::uint32_t events) = 0;

  protected:
    ~ReadinessHandler() = default;
};

class ReadinessSet {
  public:
    static constexpr std::uint32_t both_ways_edge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

    Result<void> open();
    // 0, or the errno.
    int watch(int fd, std::uint32_t events, ReadinessHandler& handler);
    int change(int fd, std::uint32_t events, ReadinessHandler& handler);

    // Waits until something is ready, `limit` at most; empty when nothing was. What is given is valid until
    // the next call.
    std::span<const epoll_event> wait(Duration limit);

  private:
    io::UniqueFd epoll_;
    std::array<epoll_event, 256> events_{};
};

}  // namespace understudy::lb
