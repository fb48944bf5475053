// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/lock_waiters.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace understudy::files {
namespace {

constexpr std::size_t max_searched_owners = 256;

}  // namespace

bool LockWaiters::must_wait(const LockTable& locks, const LockedFile& file, const HeldLock& wanted) const {
    auto found = files_.find(file);
    if (found == files_.end()) return locks.conflict(file, wanted).has_value();
    return !may_go(locks, found->second, found->second.size(), file, wanted);
}

bool LockWaiters::deadlocks(const LockTable& locks, const LockedFile& file, const HeldLock& wanted) const {
    for (const LockOwner& holder : locks.owners_in_the_way(file, wanted))
        if (waits_for(locks, holder, wanted.owner, false)) return true;
    return false;
}

void LockWaiters::add(WaitingLock waiting) {
    ++size_;
    files_[waiting.file].push_back(std::move(waiting));
}

std::optional<WaitingLock> LockWaiters::cancel(std::uint64_t ticket) {
    std::vector<WaitingLock> taken = take([&](const WaitingLock& each) { return each.ticket == ticket; });
    if (taken.empty()) return std::nullopt;
    return std::move(taken.front());
}

std::vector<WaitingLock> LockWaiters::cancel_session(std::uint64_t session) {
    return take([&](const WaitingLock& each) { return each.wanted.owner.session == session; });
}

std::optional<WaitingLock> LockWaiters::next(const LockTable& locks) {
    for (const auto& [file, queue] : files_)
        for (std::size_t i = 0; i < queue.size(); ++i)
            if (may_go(locks, queue, i, file, queue[i].wanted)) return cancel(queue[i].ticket);
    return std::nullopt;
}

// Is nothing held, and none of the first `before` waiters, in its way?
bool LockWaiters::may_go(const LockTable& locks, const Queue& queue, std::size_t before,
                         const LockedFile& file, const HeldLock& wanted) const {
    if (locks.conflict(file, wanted)) return false;
    for (std::size_t i = 0; i < before; ++i)
        if (queue[i].wanted.excludes(wanted) && !waits_for(locks, queue[i].wanted.owner, wanted.owner, true))
            return false;
    return true;
}

bool LockWaiters::waits_for(const LockTable& locks, const LockOwner& from, const LockOwner& whom,
                            bool in_queue_too) const {
    std::set<LockOwner> seen = {from};
    std::vector<LockOwner> open = {from};
    while (!open.empty() && seen.size() <= max_searched_owners) {
        LockOwner owner = std::move(open.back());
        open.pop_back();
        if (owner == whom) return true;
        auto look_at = [&](const LockOwner& next) {
            if (seen.insert(next).second) open.push_back(next);
        };
        for (const auto& [file, queue] : files_)
            for (std::size_t i = 0; i < queue.size(); ++i) {
                if (queue[i].wanted.owner != owner) continue;
                for (const LockOwner& holder : locks.owners_in_the_way(file, queue[i].wanted))
                    look_at(holder);
                for (std::size_t earlier = 0; in_queue_too && earlier < i; ++earlier)
                    if (queue[earlier].wanted.excludes(queue[i].wanted)) look_at(queue[earlier].wanted.owner);
            }
    }
    return false;
}

std::vector<WaitingLock> LockWaiters::take(const std::function<bool(const WaitingLock&)>& wanted) {
    std::vector<WaitingLock> taken;
    for (auto it = files_.begin(); it != files_.end();) {
        Queue& queue = it->second;
        auto kept = std::stable_partition(queue.begin(), queue.end(),
                                          [&](const WaitingLock& each) { return !wanted(each); });
        std::move(kept, queue.end(), std::back_inserter(taken));
        queue.erase(kept, queue.end());
        it = queue.empty() ? files_.erase(it) : std::next(it);
    }
    size_ -= taken.size();
    return taken;
}

std::size_t LockWaiters::count(std::uint64_t session) const {
    std::size_t total = 0;
    for (const auto& [file, queue] : files_)
        total += static_cast<std::size_t>(std::count_if(queue.begin(), queue.end(), [&](const auto& each) {
            return each.wanted.owner.session == session;
        }));
    return total;
}

std::vector<WaitingLock> LockWaiters::all() const {
    std::vector<WaitingLock> all;
    for (const auto& [file, queue] : files_) all.insert(all.end(), queue.begin(), queue.end());
    return all;
}

}  // namespace understudy::files
