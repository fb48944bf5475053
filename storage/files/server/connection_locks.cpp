// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <utility>

#include "storage/files/server/connection.hpp"

namespace understudy::files {
namespace asio = boost::asio;

asio::awaitable<Body> Connection::lock(std::uint16_t tag, Tlock request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr || !fid->file->opened.valid()) co_return failure(EBADF);
    std::optional<LockRange> range = lock_range(request.start, request.length);
    if (!range || request.type > lock_unlock || request.client_id.size() > 255) co_return failure(EINVAL);
    LockedFile file = locked_file(fid->file->qid.path, request.client_id);
    LockOwner owner{session_, request.proc_id, request.client_id};
    if (request.type == lock_unlock) {
        share_->sessions->unlock(file, owner, *range);
        co_return Rlock{lock_success};
    }
    HeldLock wanted{owner, *range, request.type == lock_write ? LockMode::exclusive : LockMode::shared};
    bool reclaim = (request.flags & lock_flag_reclaim) != 0;
    LockOutcome outcome = LockOutcome::conflict;
    if ((request.flags & lock_flag_block) != 0 && !reclaim) {
        std::uint64_t ticket = share_->sessions->new_ticket();
        waiting_[tag] = ticket;
        end_turn(tag);  // it may wait for long
        auto granted = share_->sessions->lock_or_wait(ticket, file, wanted, fid->file->path);
        outcome = co_await std::move(granted);
        waiting_.erase(tag);
        // Closed while it was waited for: nobody would ever unlock it.
        if (outcome == LockOutcome::granted && !has_open(fid->file->qid.path)) {
            share_->sessions->release_file(session_, fid->file->qid.path);
            co_return failure(EBADF);
        }
    } else {
        outcome = share_->sessions->lock(file, wanted, reclaim, fid->file->path);
    }
    switch (outcome) {
        case LockOutcome::granted:
            co_return Rlock{lock_success};
        case LockOutcome::conflict:
            co_return Rlock{lock_blocked};
        case LockOutcome::grace:
            co_return Rlock{lock_grace};
        case LockOutcome::too_many:
            co_return failure(ENOLCK);
        case LockOutcome::stale:
            co_return failure(ESTALE);
        case LockOutcome::deadlock:
            co_return failure(EDEADLK);
        case LockOutcome::cancelled:  // nobody wants the answer
            discarded_.insert(tag);
            co_return failure(EINTR);
        case LockOutcome::waits:
            break;
    }
    co_return failure(EIO);
}

Body Connection::get_lock(const Tgetlock& request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr || !fid->file->opened.valid()) return failure(EBADF);
    std::optional<LockRange> range = lock_range(request.start, request.length);
    if (!range || request.type > lock_write) return failure(EINVAL);
    HeldLock wanted{{session_, request.proc_id, request.client_id},
                    *range,
                    request.type == lock_write ? LockMode::exclusive : LockMode::shared};
    std::optional<HeldLock> held =
        share_->sessions->conflict(locked_file(fid->file->qid.path, request.client_id), wanted);
    if (!held)
        return Rgetlock{lock_unlock, request.start, request.length, request.proc_id, request.client_id};
    std::uint64_t length =
        held->range.last == LockRange::to_end ? 0 : held->range.last - held->range.first + 1;
    return Rgetlock{static_cast<std::uint8_t>(held->mode == LockMode::exclusive ? lock_write : lock_read),
                    held->range.first, length, held->owner.proc_id, held->owner.client_id};
}

}  // namespace understudy::files
