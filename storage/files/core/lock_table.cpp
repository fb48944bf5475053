// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/lock_table.hpp"

#include <algorithm>
#include <set>

#include "base/assert.hpp"

namespace understudy::files {
namespace {

// Takes `range` out of the owner's locks in `held`; what sticks out on either side stays. True if anything
// was taken.
bool cut(std::vector<HeldLock>& held, const LockOwner& owner, const LockRange& range) {
    std::vector<HeldLock> kept;
    bool taken = false;
    for (const HeldLock& lock : held) {
        if (lock.owner != owner || !lock.range.overlaps(range)) {
            kept.push_back(lock);
            continue;
        }
        taken = true;
        if (lock.range.first < range.first)
            kept.push_back({lock.owner, {lock.range.first, range.first - 1}, lock.mode});
        if (lock.range.last > range.last)
            kept.push_back({lock.owner, {range.last + 1, lock.range.last}, lock.mode});
    }
    held = std::move(kept);
    return taken;
}

// Joins the owner's neighbouring locks of one mode, so that locking byte by byte does not grow the table.
HeldLock joined_with_neighbours(std::vector<HeldLock>& held, HeldLock lock) {
    for (bool changed = true; changed;) {
        changed = false;
        for (auto it = held.begin(); it != held.end(); ++it) {
            if (it->owner != lock.owner || it->mode != lock.mode) continue;
            bool before = it->range.last != LockRange::to_end && it->range.last + 1 == lock.range.first;
            bool after = lock.range.last != LockRange::to_end && lock.range.last + 1 == it->range.first;
            if (!before && !after) continue;
            lock.range = {std::min(lock.range.first, it->range.first),
                          std::max(lock.range.last, it->range.last)};
            held.erase(it);
            changed = true;
            break;
        }
    }
    return lock;
}

}  // namespace

std::optional<LockRange> lock_range(std::uint64_t start, std::uint64_t length) {
    if (length == 0) return LockRange{start, LockRange::to_end};
    if (length - 1 > LockRange::to_end - start) return std::nullopt;
    return LockRange{start, start + (length - 1)};
}

std::optional<HeldLock> LockTable::conflict(const LockedFile& file, const HeldLock& wanted) const {
    auto found = files_.find(file);
    if (found == files_.end()) return std::nullopt;
    for (const HeldLock& held : found->second)
        if (held.excludes(wanted)) return held;
    return std::nullopt;
}

std::vector<LockOwner> LockTable::owners_in_the_way(const LockedFile& file, const HeldLock& wanted) const {
    std::set<LockOwner> owners;
    auto found = files_.find(file);
    if (found != files_.end())
        for (const HeldLock& held : found->second)
            if (held.excludes(wanted)) owners.insert(held.owner);
    return {owners.begin(), owners.end()};
}

void LockTable::grant(const LockedFile& file, const HeldLock& wanted) {
    UNDERSTUDY_ASSERT(!conflict(file, wanted), "a lock is granted only where nobody else's excludes it");
    std::vector<HeldLock>& held = files_[file];
    cut(held, wanted.owner, wanted.range);
    HeldLock lock = joined_with_neighbours(held, wanted);
    auto at = std::upper_bound(held.begin(), held.end(), lock, [](const HeldLock& a, const HeldLock& b) {
        return a.range.first < b.range.first;
    });
    held.insert(at, std::move(lock));
}

bool LockTable::release(const LockedFile& file, const LockOwner& owner, const LockRange& range) {
    auto found = files_.find(file);
    if (found == files_.end()) return false;
    bool taken = cut(found->second, owner, range);
    if (found->second.empty()) files_.erase(found);
    return taken;
}

std::vector<std::pair<LockedFile, HeldLock>> LockTable::release_session(std::uint64_t session) {
    std::vector<std::pair<LockedFile, HeldLock>> released;
    for (auto it = files_.begin(); it != files_.end();) {
        auto& [file, held] = *it;
        for (const HeldLock& lock : held)
            if (lock.owner.session == session) released.emplace_back(file, lock);
        std::erase_if(held, [&](const HeldLock& lock) { return lock.owner.session == session; });
        it = held.empty() ? files_.erase(it) : std::next(it);
    }
    return released;
}

std::size_t LockTable::count(std::uint64_t session) const {
    std::size_t total = 0;
    for (const auto& [file, held] : files_)
        total += static_cast<std::size_t>(std::count_if(
            held.begin(), held.end(), [&](const HeldLock& l) { return l.owner.session == session; }));
    return total;
}

std::vector<HeldLock> LockTable::locks(const LockedFile& file) const {
    auto found = files_.find(file);
    return found == files_.end() ? std::vector<HeldLock>{} : found->second;
}

std::vector<std::pair<LockedFile, HeldLock>> LockTable::all() const {
    std::vector<std::pair<LockedFile, HeldLock>> all;
    for (const auto& [file, held] : files_)
        for (const HeldLock& lock : held) all.emplace_back(file, lock);
    return all;
}

std::size_t LockTable::size() const {
    std::size_t total = 0;
    for (const auto& [file, held] : files_) total += held.size();
    return total;
}

}  // namespace understudy::files
