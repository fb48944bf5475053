// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/pipe_pool.hpp"

#include <fcntl.h>

#include <utility>

namespace understudy::lb {
namespace {

// What a pipe is asked to hold. The kernel gives less to a user who has many (pipe-user-pages-soft).
constexpr int wanted_capacity = 256 * 1024;

// A pipe of less than this moves less in one call than a copy does, and isn't worth it.
constexpr int least_capacity = 64 * 1024;

// So many stay open for the next burst; the others give their descriptors back.
constexpr std::size_t most_idle = 16;

}  // namespace

std::unique_ptr<Pipe> PipePool::take() {
    if (taken_ >= most_) return nullptr;
    if (!idle_.empty()) {
        auto pipe = std::move(idle_.back());
        idle_.pop_back();
        ++taken_;
        return pipe;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
    auto pipe = std::make_unique<Pipe>();
    pipe->read_end.reset(ends[0]);
    pipe->write_end.reset(ends[1]);
    int capacity = ::fcntl(ends[1], F_SETPIPE_SZ, wanted_capacity);
    if (capacity < 0) capacity = ::fcntl(ends[1], F_GETPIPE_SZ);
    if (capacity < least_capacity) return nullptr;
    pipe->capacity = static_cast<std::size_t>(capacity);
    ++taken_;
    return pipe;
}

void PipePool::give_back(std::unique_ptr<Pipe> pipe) {
    if (pipe == nullptr) return;
    --taken_;
    if (pipe->held == 0 && idle_.size() < most_idle) idle_.push_back(std::move(pipe));
}

}  // namespace understudy::lb
