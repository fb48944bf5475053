// SPDX-License-Identifier: Apache-2.0
// Pipes for splice(2), kept and given out again. At most `most` at once, since each costs two descriptors and
// kernel memory that the user's other programs share; whoever gets none copies through a buffer instead.
// Ownership: a pipe taken is the taker's until give_back(). Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/io/unique_fd.hpp"

namespace understudy::lb {

// What one thread of the proxy may have at once.
constexpr std::size_t pipes_per_worker = 64;

struct Pipe {
    io::UniqueFd read_end;
    io::UniqueFd write_end;
    std::size_t capacity = 0;  // bytes
    std::size_t held = 0;      // bytes in it now
};

class PipePool {
  public:
    explicit PipePool(std::size_t most) : most_(most) {}

    // None when `most` are out, or no descriptor is to be had.
    std::unique_ptr<Pipe> take();
    // One that still holds bytes is closed: they belonged to a flow that is gone.
    void give_back(std::unique_ptr<Pipe> pipe);

    std::size_t taken() const { return taken_; }

  private:
    std::size_t most_;
    std::size_t taken_ = 0;
    std::vector<std::unique_ptr<Pipe>> idle_;
};

}  // namespace understudy::lb
