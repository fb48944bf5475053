// SPDX-License-Identifier: Apache-2.0
// Locks, and what closing does to them.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/core/session_machine.hpp"
#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds first_pause{10}, longest_pause{200}, settling_pause{2};

std::uint32_t proc_id_of(std::uint64_t owner) {
    return static_cast<std::uint32_t>((owner ^ owner >> 32) & 0x7fffffff);
}

}  // namespace

Tlock Filesystem::range_lock(std::uint64_t owner, const struct flock& lock) {
    Tlock request;
    request.type = lock.l_type == F_RDLCK ? lock_read : lock.l_type == F_WRLCK ? lock_write : lock_unlock;
    request.start = static_cast<std::uint64_t>(lock.l_start);
    request.length = static_cast<std::uint64_t>(lock.l_len);
    request.proc_id = proc_id_of(owner);
    request.client_id = fmt::format("{:x}", owner);
    return request;
}

Tlock Filesystem::whole_file_lock(std::uint64_t owner, int operation) {
    Tlock request;
    request.type = (operation & LOCK_SH) != 0   ? lock_read
                   : (operation & LOCK_EX) != 0 ? lock_write
                                                : lock_unlock;
    request.proc_id = proc_id_of(owner);
    request.client_id = fmt::format("{}{:x}", whole_file_prefix, owner);
    return request;
}

Filesystem::Task Filesystem::getlk(CallPtr call, std::uint64_t id, std::uint64_t owner, struct flock lock) {
    OpenFilePtr file = live_handle(id);
    if (file == nullptr) {
        call->error(ESTALE);
        co_return;
    }
    Tlock wanted = range_lock(owner, lock);
    Body getlock_request =
        Tgetlock{file->fid, wanted.type, wanted.start, wanted.length, wanted.proc_id, wanted.client_id};
    Answer answer = co_await ask(call, std::move(getlock_request));
    if (int error = error_of<Rgetlock>(answer); error != 0) {
        call->error(error);
        co_return;
    }
    ahead_.drop_all();  // that a lock is free again lets see what was written under it
    const auto& held = std::get<Rgetlock>(answer.body);
    lock.l_type = held.type == lock_read ? F_RDLCK : held.type == lock_write ? F_WRLCK : F_UNLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(held.start);
    lock.l_len = static_cast<off_t>(held.length);
    lock.l_pid =
        static_cast<pid_t>(held.proc_id);  // of another host: the kernel shows 0 where it has no such process
    call->lock(lock);
}

Filesystem::Task Filesystem::setlk(CallPtr call, std::uint64_t id, Tlock request, bool wait) {
    OpenFilePtr file = live_handle(id);
    if (file == nullptr) {
        call->error(ESTALE);
        co_return;
    }
    request.fid = file->fid;
    if (request.type == lock_unlock)
        call->error(co_await unlock(std::move(file), std::move(request)));
    else
        co_await lock(std::move(call), std::move(file), std::move(request), wait);
}

Filesystem::Task Filesystem::lock(CallPtr call, OpenFilePtr file, Tlock request, bool wait) {
    request.flags = wait ? lock_flag_block : 0U;
    for (auto pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
        if (!co_await until_certain(call, file, request.client_id)) co_return;
        if (link_.fids().is_dead(file->fid)) {
            call->error(ESTALE);
            co_return;
        }
        if (link_.locks().weakens(file->number, request)) co_await behind_.all_written();
        RequestPtr asked = link_.send_lock(request);
        if (wait) call->when_interrupted([this, asked] { link_.give_up(asked); });
        Answer answer = co_await link_.answer(asked);
        if (answer.error != 0 && answer.unknown) settle(file, request);
        int error = error_of<Rlock>(answer);
        int status = error == 0 ? std::get<Rlock>(answer.body).status : static_cast<int>(lock_error);
        // This process may have stood still since it read the answer, and the session be over by now.
        if (status == lock_success &&
            (link_.fids().is_dead(file->fid) || !link_.holds_lease(io::monotonic_now()))) {
            call->error(EIO);
            co_return;
        }
        if (status == lock_success) {
            ahead_.drop_all();
            std::vector<Tlock> before = link_.locks().within(file->number, request);
            link_.locks().enter(file->number, request);
            if (call->ok()) co_return;
            // Nobody waits for it any more: back to what was held before.
            Tlock nothing = request;
            nothing.type = lock_unlock;
            link_.locks().enter(file->number, nothing);
            for (const Tlock& piece : before) link_.locks().enter(file->number, piece);
            settle(file, request);
            co_return;
        }
        if (error != 0 || status == lock_error || (status == lock_blocked && !wait)) {
            call->error(error != 0 ? error : status == lock_blocked ? EAGAIN : EIO);
            co_return;
        }
        // The server was restarted and its clients of before come first; or it lets nobody wait (any more).
        call->when_interrupted([] {});
        if (call->was_answered()) co_return;
        call->timer().expires_after(pause);
        co_await call->timer().async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

// Given up here at once, so that it is not reclaimed, and at the server as soon as that can be reached,
// whether anybody still waits for it or not.
asio::awaitable<int> Filesystem::unlock(OpenFilePtr file, Tlock request) {
    co_await until_certain(nullptr, file, request.client_id);
    co_await behind_.all_written();
    request.fid = file->fid;
    link_.locks().enter(file->number, request);
    Answer answer = co_await link_.call(request, nullptr);
    if (answer.error != 0 && answer.unknown) settle(file, request);
    co_return error_of<Rlock>(answer);
}

Filesystem::Task Filesystem::flush(CallPtr call, std::uint64_t id, std::uint64_t owner) {
    struct flock all = {};
    all.l_type = F_UNLCK;
    Tlock unlocked = range_lock(owner, all);
    OpenFilePtr closed = handle(id), file = live_handle(id);
    // What was written is looked at next: its status comes with the last answer, by the same fid.
    RequestPtr status;
    const MetadataCache::Question question = cache_.ask();
    if (file != nullptr && (file->flags & O_ACCMODE) != O_RDONLY && cache_.is_on() &&
        cache_.status(file->number) == nullptr && !behind_.is_pending_elsewhere(*file))
        status = link_.send(Tgetattr{file->fid}, call->answered());
    if (closed != nullptr) co_await behind_.written(closed->number);
    if (status != nullptr) {
        Answer answer = co_await link_.answer(std::move(status));
        if (const auto* told = std::get_if<Rgetattr>(&answer.body)) cache_.remember(question, to_stat(*told));
    }
    // Closing any descriptor of a file gives up all of the process's locks on it (fcntl).
    if (file != nullptr && link_.locks().holds(file->number, unlocked.client_id))
        co_await unlock(std::move(file), std::move(unlocked));
    call->error(closed == nullptr ? 0 : closed->take_write_error());
}

Filesystem::Task Filesystem::release(CallPtr call, std::uint64_t id, bool unlock_whole_file,
                                     std::uint64_t owner) {
    Tlock unlocked = whole_file_lock(owner, LOCK_UN);
    OpenFilePtr file = live_handle(id);
    if (unlock_whole_file && file != nullptr && link_.locks().holds(file->number, unlocked.client_id))
        co_await unlock(file, std::move(unlocked));
    if (const OpenFilePtr closed = handle(id); closed != nullptr) ahead_.closed(*closed);
    handles_.erase(id);
    call->ok();
}

// False: `call` was answered meanwhile. Without a call it is waited however long it takes.
asio::awaitable<bool> Filesystem::until_certain(CallPtr call, OpenFilePtr file, std::string client_id) {
    const Uncertain asked{file->number, std::move(client_id)};
    const Instant since = io::monotonic_now();
    while (std::find(uncertain_.begin(), uncertain_.end(), asked) != uncertain_.end()) {
        if (call != nullptr && link_.is_overdue(since)) call->error(EIO);
        if (call != nullptr && call->was_answered()) co_return false;
        asio::steady_timer pause(executor_, settling_pause);
        co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return call == nullptr || !call->was_answered();
}

void Filesystem::settle(OpenFilePtr file, const Tlock& like) {
    uncertain_.push_back({file->number, like.client_id});
    spawn(ask_to_settle(std::move(file), like));
}

Filesystem::Task Filesystem::ask_to_settle(OpenFilePtr file, Tlock like) {
    const Uncertain settled{file->number, like.client_id};
    std::vector<Tlock> requests = link_.locks().settling(file->number, like);
    for (const Tlock& request : requests) {
        Body body = request;
        Answer answer = co_await link_.call_until_known(std::move(body));
        if (answer.error != 0) break;  // the session is over, and every lock with it
    }
    uncertain_.erase(std::find(uncertain_.begin(), uncertain_.end(), settled));
}

}  // namespace understudy::files
