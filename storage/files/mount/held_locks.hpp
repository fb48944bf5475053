// SPDX-License-Identifier: Apache-2.0
// The locks that a mount holds at its server, as its answers told: what is asked for again after the server
// was restarted, and what the server is brought back to where an answer was lost. Giving up a lock is entered
// when it is asked for, a grant when it was answered: a lock of which the mount doesn't know is never kept.
// Requests are Tlock messages; of `like` the fid, the owner and the range count. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/core/lock_table.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files {

class HeldLocks {
  public:
    // Granted, or given up, by its type. Ranges that pass 2^64 are ignored: no server grants them.
    void enter(std::uint64_t number, const Tlock& lock);

    bool holds(std::uint64_t number, const std::string& client_id) const;

    // What the owner holds within the range, cut to it.
    std::vector<Tlock> within(std::uint64_t number, const Tlock& like) const;

    // What makes the server hold for this owner, within the range, what is held here: what isn't is unlocked,
    // then what is is asked for, without waiting. The server grants all of it, as long as it has not lost
    // any.
    std::vector<Tlock> settling(std::uint64_t number, const Tlock& like) const;

    // True if `like` asks for less than the owner holds somewhere in the range: it lets others in.
    bool weakens(std::uint64_t number, const Tlock& like) const;

    std::vector<std::pair<LockedFile, HeldLock>> all() const { return table_.all(); }
    bool empty() const { return table_.size() == 0; }
    void clear() { table_ = {}; }

  private:
    LockTable table_;
};

// As it is asked for: `fid` and `flags` are the caller's.
Tlock to_request(const HeldLock& lock, std::uint32_t fid, std::uint32_t flags);

}  // namespace understudy::files
