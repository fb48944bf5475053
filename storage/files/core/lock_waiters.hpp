// SPDX-License-Identifier: Apache-2.0
// The locks that are waited for, and in which order they are served.
//
// Order: a file's waiters are served as they arrived. Who asks behind a waiting lock that excludes its own
// waits too, so a stream of readers can't starve a writer. One exception keeps that order from making a
// deadlock of its own: nobody waits behind a waiter that is itself waiting for him.
//
// Deadlock: a request is one when it would wait for a holder that, over any number of others, waits for a
// lock of the asking owner. Only held locks count here; the order of waiting gives way instead. The search
// looks at no more than 256 owners; a longer cycle is not found, and its members wait until one is cancelled.
// Owners are those of fcntl: two threads of a process are one, so one thread's request can be called a
// deadlock though the other thread would have gone on (as on Linux, fcntl(2)).
//
// The locks themselves are handed in. One thread. Limits are the caller's (session_machine.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "storage/files/core/lock_table.hpp"

namespace understudy::files {

struct WaitingLock {
    std::uint64_t ticket = 0;  // the caller's name for it, used once
    LockedFile file;
    HeldLock wanted;
    bool operator==(const WaitingLock&) const = default;
};

class LockWaiters {
  public:
    // True if `wanted` can't be granted at once: a lock or a waiter is before it.
    bool must_wait(const LockTable& locks, const LockedFile& file, const HeldLock& wanted) const;

    // True if waiting for `wanted` would never end.
    bool deadlocks(const LockTable& locks, const LockedFile& file, const HeldLock& wanted) const;

    void add(WaitingLock waiting);

    // Takes the waiter out; nullopt if there is none of that ticket (any more).
    std::optional<WaitingLock> cancel(std::uint64_t ticket);
    std::vector<WaitingLock> cancel_session(std::uint64_t session);

    // Takes out a waiter that can be granted now, the earliest of its file. The caller grants it, and asks
    // again.
    std::optional<WaitingLock> next(const LockTable& locks);

    std::size_t count(std::uint64_t session) const;
    std::size_t size() const { return size_; }
    std::vector<WaitingLock> all() const;  // of each file in order

  private:
    using Queue = std::vector<WaitingLock>;
    bool may_go(const LockTable& locks, const Queue& queue, std::size_t before, const LockedFile& file,
                const HeldLock& wanted) const;
    bool waits_for(const LockTable& locks, const LockOwner& from, const LockOwner& whom,
                   bool in_queue_too) const;
    std::vector<WaitingLock> take(const std::function<bool(const WaitingLock&)>& wanted);

    std::map<LockedFile, Queue> files_;
    std::size_t size_ = 0;
};

}  // namespace understudy::files
