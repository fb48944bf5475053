// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/held_locks.hpp"

#include <algorithm>

#include "storage/files/core/session_machine.hpp"

namespace understudy::files {
namespace {

constexpr std::uint64_t this_session = 0;

LockOwner owner_of(const Tlock& lock) {
    return {this_session, lock.proc_id, lock.client_id};
}

Tlock in_range(const Tlock& like, const LockRange& range, std::uint8_t type) {
    Tlock request = like;
    request.type = type;
    request.flags = 0;
    request.start = range.first;
    request.length = range.last == LockRange::to_end ? 0 : range.last - range.first + 1;
    return request;
}

}  // namespace

Tlock to_request(const HeldLock& lock, std::uint32_t fid, std::uint32_t flags) {
    Tlock like{fid, lock_unlock, flags, 0, 0, lock.owner.proc_id, lock.owner.client_id};
    Tlock request = in_range(like, lock.range, lock.mode == LockMode::exclusive ? lock_write : lock_read);
    request.flags = flags;
    return request;
}

void HeldLocks::enter(std::uint64_t number, const Tlock& lock) {
    std::optional<LockRange> range = lock_range(lock.start, lock.length);
    if (!range) return;
    LockedFile file = locked_file(number, lock.client_id);
    if (lock.type == lock_unlock) {
        table_.release(file, owner_of(lock), *range);
        return;
    }
    HeldLock granted{owner_of(lock), *range,
                     lock.type == lock_write ? LockMode::exclusive : LockMode::shared};
    // The server's word counts: what still seems to be in the way has been given up there.
    while (std::optional<HeldLock> other = table_.conflict(file, granted))
        table_.release(file, other->owner, granted.range);
    table_.grant(file, granted);
}

bool HeldLocks::holds(std::uint64_t number, const std::string& client_id) const {
    std::vector<HeldLock> held = table_.locks(locked_file(number, client_id));
    return std::any_of(held.begin(), held.end(),
                       [&](const HeldLock& lock) { return lock.owner.client_id == client_id; });
}

std::vector<Tlock> HeldLocks::within(std::uint64_t number, const Tlock& like) const {
    std::vector<Tlock> pieces;
    std::optional<LockRange> range = lock_range(like.start, like.length);
    if (!range) return pieces;
    for (HeldLock lock : table_.locks(locked_file(number, like.client_id))) {
        if (lock.owner != owner_of(like) || !lock.range.overlaps(*range)) continue;
        lock.range = {std::max(lock.range.first, range->first), std::min(lock.range.last, range->last)};
        pieces.push_back(to_request(lock, like.fid, 0));
    }
    return pieces;
}

std::vector<Tlock> HeldLocks::settling(std::uint64_t number, const Tlock& like) const {
    std::optional<LockRange> range = lock_range(like.start, like.length);
    if (!range) return {};
    std::vector<Tlock> held = within(number, like), requests;
    std::uint64_t from = range->first;
    bool to_the_end = true;
    for (const Tlock& piece : held) {  // in the order of their first bytes
        LockRange taken = *lock_range(piece.start, piece.length);
        if (taken.first > from) requests.push_back(in_range(like, {from, taken.first - 1}, lock_unlock));
        to_the_end = taken.last < range->last;
        if (!to_the_end) break;
        from = taken.last + 1;
    }
    if (to_the_end) requests.push_back(in_range(like, {from, range->last}, lock_unlock));
    requests.insert(requests.end(), held.begin(), held.end());
    return requests;
}

bool HeldLocks::weakens(std::uint64_t number, const Tlock& like) const {
    std::vector<Tlock> held = within(number, like);
    return std::any_of(held.begin(), held.end(), [&](const Tlock& piece) {
        return like.type == lock_unlock || (like.type == lock_read && piece.type == lock_write);
    });
}

}  // namespace understudy::files
