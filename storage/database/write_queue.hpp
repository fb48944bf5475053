// SPDX-License-Identifier: Apache-2.0
// The one right to write, handed to sessions in the order in which they asked: a client waits its turn and
// never sees "database is locked". Any thread; a session holds it at most once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

namespace understudy::database {

class WriteQueue {
  public:
    enum class Outcome { granted, timed_out, canceled };
    // Waits at most `limit`; `canceled` is looked at whenever wake() is called.
    Outcome acquire(std::chrono::milliseconds limit, const std::atomic<bool>& canceled);
    void release();
    void wake();
    // Changes with every turn that ended: whoever has read since then has read what was committed in it.
    std::uint64_t turns() const { return turns_; }

  private:
    struct Waiter {
        std::condition_variable turn;
        bool granted = false;
    };
    std::mutex mutex_;
    std::list<Waiter> waiting_;
    bool held_ = false;
    std::atomic<std::uint64_t> turns_ = 0;
};

}  // namespace understudy::database
