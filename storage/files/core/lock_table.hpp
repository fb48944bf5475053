// SPDX-License-Identifier: Apache-2.0
// Byte-range locks of one share, with fcntl's rules: an owner's own locks never conflict; a new lock replaces
// what the owner held in its range, splitting and joining as needed; exclusive excludes all others, shared
// excludes exclusive. A whole-file lock (flock) lives in a space of its own per file, as on a local file
// system. Nobody waits in here (lock_waiters.hpp). Rule: POSIX fcntl(2) advisory record locking.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace understudy::files {

enum class LockSpace { range, whole_file };

struct LockedFile {
    std::uint64_t inode = 0;
    LockSpace space = LockSpace::range;
    auto operator<=>(const LockedFile&) const = default;
};

struct LockOwner {
    std::uint64_t session = 0;
    std::uint32_t proc_id = 0;
    std::string client_id;  // what the client put into Tlock
    auto operator<=>(const LockOwner&) const = default;
};

enum class LockMode { shared, exclusive };

struct LockRange {
    static constexpr std::uint64_t to_end = 0xffffffffffffffff;
    std::uint64_t first = 0;
    std::uint64_t last = to_end;  // inclusive
    auto operator<=>(const LockRange&) const = default;
    bool overlaps(const LockRange& other) const { return first <= other.last && other.first <= last; }
};

// 9P's start and length; length 0 means to the end. nullopt when start + length passes 2^64.
std::optional<LockRange> lock_range(std::uint64_t start, std::uint64_t length);

struct HeldLock {
    LockOwner owner;
    LockRange range;
    LockMode mode = LockMode::exclusive;
    bool operator==(const HeldLock&) const = default;
    // True if both can't be held at once.
    bool excludes(const HeldLock& other) const {
        return owner != other.owner && (mode == LockMode::exclusive || other.mode == LockMode::exclusive) &&
               range.overlaps(other.range);
    }
};

class LockTable {
  public:
    // The first lock that keeps `wanted` from being granted.
    std::optional<HeldLock> conflict(const LockedFile& file, const HeldLock& wanted) const;

    // Every owner whose lock keeps `wanted` from being granted, each once.
    std::vector<LockOwner> owners_in_the_way(const LockedFile& file, const HeldLock& wanted) const;

    // Grants `wanted`. The caller has asked conflict() first: a conflict here is a broken invariant.
    void grant(const LockedFile& file, const HeldLock& wanted);

    // True if the owner held anything in the range.
    bool release(const LockedFile& file, const LockOwner& owner, const LockRange& range);

    // Every lock of the session, and they are gone.
    std::vector<std::pair<LockedFile, HeldLock>> release_session(std::uint64_t session);

    std::size_t count(std::uint64_t session) const;
    std::vector<HeldLock> locks(const LockedFile& file) const;
    std::vector<std::pair<LockedFile, HeldLock>> all() const;
    std::size_t size() const;

  private:
    std::map<LockedFile, std::vector<HeldLock>> files_;  // each sorted by first byte
};

}  // namespace understudy::files
