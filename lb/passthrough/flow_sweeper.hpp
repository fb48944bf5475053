// SPDX-License-Identifier: Apache-2.0
// Ends flows that are past their timeout, every so often, and so makes the kernel tell of them (IdleFlows).
// It ends them by itself, but up to a minute late. A look goes through the table of the whole machine, bucket
// by bucket, in one system call that can't be interrupted: 5 ms, on a busy machine tens of them (perf trace).
// So that no probe waits for it, it has a thread of its own, and there is no look while the namespace has no
// flow at all. What fails in one look is done in the next.
// Acts on the network namespace of the thread that opened it. Threads: its owner's.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::lb {

class FlowSweeper {
  public:
    static Result<FlowSweeper> open();  // doesn't look yet
    FlowSweeper(FlowSweeper&&) noexcept;
    FlowSweeper& operator=(FlowSweeper&&) noexcept;
    ~FlowSweeper();  // waits for a look that has begun

    // From now on; the first look comes after one period.
    void every(Duration period);

  private:
    class Thread;
    explicit FlowSweeper(std::unique_ptr<Thread> thread);
    std::unique_ptr<Thread> thread_;
};

}  // namespace understudy::lb
