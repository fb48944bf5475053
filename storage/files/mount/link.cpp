// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/link.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/assert.hpp"
#include "base/io/clock.hpp"
#include "storage/files/core/codec.hpp"
#include "storage/files/core/session_machine.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using asio::ip::tcp;
using io::monotonic_now;

// g++ 12 destroys an aggregate twice that is made inside a co_await expression: requests are made before it.

namespace {

constexpr std::uint32_t root_fid = 0;
constexpr std::uint32_t scratch_fid = 0xfffffffe;
constexpr Duration retry_interval = 50ms;
constexpr auto quiet = asio::as_tuple(asio::use_awaitable);

std::string random_incarnation() {
    std::uint64_t bits = 0;
    UNDERSTUDY_ASSERT(::getrandom(&bits, sizeof bits, 0) == sizeof bits,
                      "the kernel gives eight random bytes");
    return fmt::format("{:016x}", bits);
}

bool is_at_or_below(const Path& path, const Path& top) {
    return path.size() >= top.size() && std::equal(top.begin(), top.end(), path.begin());
}

}  // namespace

Link::Link(asio::any_io_executor executor, LinkOptions options, io::EventWriter& events)
    : executor_(executor),
      options_(std::move(options)),
      events_(events),
      changed_(executor),
      incarnation_(random_incarnation()) {}

asio::awaitable<void> Link::run(std::function<bool()> on_ready) {
    asio::co_spawn(executor_, keep_alive(), asio::detached);
    while (!closing_) {
        bool attached = co_await connect();
        if (attached) attached = co_await attach();
        if (!attached || stream_ == nullptr) {
            disconnected("it could not be attached");
            asio::steady_timer pause(executor_, retry_interval);
            co_await pause.async_wait(quiet);
            continue;
        }
        ready_ = true;
        if (!was_ready_ && !on_ready()) co_return;
        was_ready_ = true;
        events_.report("ready",
                       fmt::format("attached to {} at {}", options_.share, to_string(options_.server)));
        send_waiting();
        while (stream_ != nullptr) {
            changed_.expires_at(asio::steady_timer::time_point::max());
            co_await changed_.async_wait(quiet);
        }
    }
}

Duration Link::step_limit() const {
    return std::clamp<Duration>(lease_ / 4, 500ms, 5s);
}

asio::awaitable<bool> Link::connect() {
    auto socket = std::make_shared<tcp::socket>(executor_);
    asio::steady_timer limit(executor_,
                             std::chrono::duration_cast<asio::steady_timer::duration>(step_limit()));
    limit.async_wait([socket](boost::system::error_code error) {
        boost::system::error_code ignored;
        if (!error) socket->close(ignored);
    });
    tcp::endpoint endpoint(asio::ip::address_v4(options_.server.address.bits), options_.server.port);
    auto [error] = co_await socket->async_connect(endpoint, quiet);
    limit.cancel();
    if (error || !socket->is_open() || closing_) co_return false;
    stream_ = std::make_shared<FrameStream>(std::move(*socket));
    stream_->set_user_timeout(step_limit());
    last_heard_ = monotonic_now();
    asio::co_spawn(executor_, read_replies(stream_), asio::detached);
    co_return true;
}

asio::awaitable<bool> Link::attach() {
    Body version_request = Tversion{max_message_bytes, "9P2000.L"};
    Answer version = co_await control(std::move(version_request));
    const auto* agreed = std::get_if<Rversion>(&version.body);
    if (agreed == nullptr || agreed->version != "9P2000.L" || agreed->message_bytes < min_message_bytes)
        co_return false;
    message_bytes_ = std::min(agreed->message_bytes, max_message_bytes);
    for (int attempt = 0; attempt < 2; ++attempt) {
        Instant asked = monotonic_now();
        std::string user = to_user_name({options_.client, incarnation_, attached_once_});
        Body attach_request = Tattach{root_fid, no_fid, user, options_.share, no_user};
        Answer answer = co_await control(std::move(attach_request));
        if (const auto* attached = std::get_if<Rattach>(&answer.body)) {
            attached_once_ = bound_ = true;
            lease_from_ = std::max(lease_from_, asked);
            Fid& root = fids_[root_fid];
            root.qid = attached->qid;
            co_await learn_lease();
            co_return co_await restore();
        }
        if (answer.error != ESTALE) co_return false;
        // The server says that this incarnation is over.
        lose_session("the server has ended it");
        if (stream_ == nullptr) co_return false;
    }
    co_return false;
}

asio::awaitable<void> Link::learn_lease() {
    Body xattrwalk_request = Txattrwalk{root_fid, scratch_fid, std::string(lease_attribute)};
    Answer found = co_await control(std::move(xattrwalk_request));
    if (!std::holds_alternative<Rxattrwalk>(found.body)) co_return;  // another's server: the default lease
    Body read_request = Tread{scratch_fid, 0, 32};
    Answer text = co_await control(std::move(read_request));
    if (const auto* read = std::get_if<Rread>(&text.body)) {
        std::int64_t milliseconds = 0;
        const std::string& digits = read->data.value;
        std::from_chars(digits.data(), digits.data() + digits.size(), milliseconds);
        if (milliseconds > 0) lease_ = std::chrono::milliseconds(milliseconds);
    }
    Body clunk_request = Tclunk{scratch_fid};
    co_await control(std::move(clunk_request));
    if (stream_ != nullptr) stream_->set_user_timeout(step_limit());
}

asio::awaitable<bool> Link::restore() {
    std::vector<std::uint32_t> known;
    for (const auto& [fid, state] : fids_)
        if (fid != root_fid && state.qid.path != 0) known.push_back(fid);
    for (std::uint32_t fid : known) {
        co_await restore_fid(fid);
        if (stream_ == nullptr) co_return false;
    }
    if (!co_await reclaim_locks()) co_return false;
    Body statfs_request = Tstatfs{root_fid};
    Answer done = co_await control(std::move(statfs_request));  // tells that all locks were reclaimed
    co_return done.error == 0;
}

asio::awaitable<void> Link::restore_fid(std::uint32_t fid) {
    auto found = fids_.find(fid);
    if (found == fids_.end() || found->second.dead) co_return;
    Fid wanted = found->second;
    bool alive = !wanted.gone;
    std::uint64_t reached = fids_[root_fid].qid.path;
    for (std::size_t at = 0; alive && (at == 0 || at < wanted.path.size()); at += max_walk_names) {
        std::size_t end = std::min(wanted.path.size(), at + max_walk_names);
        Twalk walk{at == 0 ? root_fid : fid, fid, {}};
        walk.names.assign(wanted.path.begin() + static_cast<std::ptrdiff_t>(at),
                          wanted.path.begin() + static_cast<std::ptrdiff_t>(end));
        std::size_t names = walk.names.size();
        Answer answer = co_await control(std::move(walk));
        const auto* walked = std::get_if<Rwalk>(&answer.body);
        alive = walked != nullptr && walked->qids.size() == names;
        if (alive && names != 0) reached = walked->qids.back().path;
    }
    alive = alive && reached == wanted.qid.path;
    if (alive && wanted.open_flags) {
        Body lopen_request =
            Tlopen{fid, *wanted.open_flags & ~static_cast<std::uint32_t>(O_CREAT | O_EXCL | O_TRUNC)};
        Answer opened = co_await control(std::move(lopen_request));
        alive = opened.error == 0;
    }
    if (alive || stream_ == nullptr) co_return;
    found = fids_.find(fid);
    if (found != fids_.end()) found->second.dead = true;
}

asio::awaitable<bool> Link::reclaim_locks() {
    std::vector<std::pair<LockedFile, HeldLock>> held = locks_.all();
    for (const auto& [file, lock] : held) {
        std::uint64_t inode = file.inode;
        auto through = std::find_if(fids_.begin(), fids_.end(), [&](const auto& entry) {
            return entry.second.open_flags && !entry.second.dead && entry.second.qid.path == inode;
        });
        if (through == fids_.end()) continue;  // its file is gone, and so are its open fids
        std::uint64_t length =
            lock.range.last == LockRange::to_end ? 0 : lock.range.last - lock.range.first + 1;
        Tlock request{through->first,
                      static_cast<std::uint8_t>(lock.mode == LockMode::exclusive ? lock_write : lock_read),
                      lock_flag_reclaim,
                      lock.range.first,
                      length,
                      lock.owner.proc_id,
                      lock.owner.client_id};
        Answer answer = co_await control(std::move(request));
        if (stream_ == nullptr) co_return false;
        const auto* status = std::get_if<Rlock>(&answer.body);
        if (status == nullptr || status->status != lock_success) {
            lose_session("a lock could not be reclaimed");
            disconnected("a lock could not be reclaimed");
            co_return false;
        }
    }
    co_return true;
}

asio::awaitable<void> Link::keep_alive() {
    Instant last_ping{};
    while (!closing_) {
        Duration step = std::clamp<Duration>(lease_ / 32, 10ms, 250ms);
        // Not a step too late: the server may end the session right after.
        if (attached_once_) step = std::min<Duration>(step, lease_from_ + lease_ - monotonic_now());
        asio::steady_timer pause(executor_, std::chrono::duration_cast<asio::steady_timer::duration>(step));
        co_await pause.async_wait(quiet);
        Instant now = monotonic_now();
        Duration quarter = lease_ / 4;
        if (stream_ != nullptr && now - last_heard_ >= quarter) {
            for (const auto& [tag, waiting] : waiting_) {
                if (!waiting->is_sent || now - waiting->sent < quarter) continue;
                disconnected(fmt::format("nothing was answered for {}", format_duration(quarter)));
                break;
            }
        }
        if (ready_ && now - last_ping >= quarter) {
            last_ping = now;
            asio::co_spawn(executor_, ping(), asio::detached);
        }
        if (attached_once_ && now - lease_from_ >= lease_) {
            lose_session("its lease has ended without an answer");
            disconnected("the lease has ended");
        }
        if (!ready_) {
            std::vector<std::uint16_t> overdue;
            for (const auto& [tag, waiting] : waiting_)
                if (!waiting->control && now - waiting->since >= lease_) overdue.push_back(tag);
            for (std::uint16_t tag : overdue) complete(tag, {{}, EIO, false});
        }
    }
}

asio::awaitable<void> Link::ping() {
    Body statfs_request = Tstatfs{root_fid};
    co_await control(std::move(statfs_request));
}

asio::awaitable<Answer> Link::call(Body request, Abandoned abandoned) {
    if (waiting_.size() > 0x8000) co_return Answer{{}, EAGAIN, false};
    auto waiting = std::make_shared<Waiting>();
    std::uint16_t tag = new_tag();
    waiting->frame = encode({tag, std::move(request)});
    waiting->since = monotonic_now();
    waiting->abandoned = std::move(abandoned);
    waiting->wake = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    waiting_[tag] = waiting;
    if (ready_) send(waiting);
    co_return co_await wait_for(tag, waiting);
}

asio::awaitable<Answer> Link::control(Body request) {
    if (stream_ == nullptr) co_return Answer{{}, EIO, false};
    auto waiting = std::make_shared<Waiting>();
    std::uint16_t tag = std::holds_alternative<Tversion>(request) ? no_tag : new_tag();
    waiting->frame = encode({tag, std::move(request)});
    waiting->since = monotonic_now();
    waiting->control = true;
    waiting->wake = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    waiting_[tag] = waiting;
    send(waiting);  // keep_alive() is its time limit
    co_return co_await wait_for(tag, waiting);
}

asio::awaitable<Answer> Link::wait_for(std::uint16_t, WaitingPtr waiting) {
    while (!waiting->answer) co_await waiting->wake->async_wait(quiet);
    Answer answer = std::move(*waiting->answer);
    if (const auto* error = std::get_if<Rlerror>(&answer.body); error != nullptr && answer.error == 0)
        answer.error = error->error == 0 ? EIO : static_cast<int>(error->error);
    answer.repeated = waiting->repeated;
    co_return answer;
}

void Link::send(const WaitingPtr& waiting) {
    waiting->repeated = waiting->repeated || waiting->sent != Instant{};
    waiting->is_sent = true;
    waiting->sent = monotonic_now();
    stream_->send(waiting->frame);
}

void Link::send_waiting() {
    std::vector<std::pair<Instant, std::uint16_t>> unsent;
    for (const auto& [tag, waiting] : waiting_)
        if (!waiting->is_sent) unsent.emplace_back(waiting->since, tag);
    std::sort(unsent.begin(), unsent.end());  // in the order they were asked
    for (const auto& [since, tag] : unsent) {
        WaitingPtr waiting = waiting_.at(tag);
        if (waiting->abandoned != nullptr && *waiting->abandoned)
            complete(tag, {{}, EINTR, false});
        else if (stream_ != nullptr)
            send(waiting);
    }
}

asio::awaitable<void> Link::read_replies(std::shared_ptr<FrameStream> stream) {
    std::string reason;
    while (reason.empty()) {
        Result<std::string> frame = co_await stream->read_frame(message_bytes_);
        if (stream_ != stream) co_return;  // another connection has taken its place
        if (frame.has_error()) {
            reason = frame.error().message();
            break;
        }
        Result<Message> message = decode(*frame);
        if (message.has_error()) {
            reason = message.error().message();
            break;
        }
        last_heard_ = monotonic_now();
        auto found = waiting_.find(message->tag);
        if (found == waiting_.end() || !found->second->is_sent) continue;
        if (bound_) lease_from_ = std::max(lease_from_, found->second->sent);
        complete(message->tag, {std::move(message->body), 0, false});
    }
    disconnected(reason);
}

void Link::disconnected(const std::string& reason) {
    if (stream_ == nullptr) return;
    stream_->close();
    stream_.reset();
    bound_ = false;
    fail_waiting(true);
    for (auto& [tag, waiting] : waiting_) waiting->is_sent = false;
    if (std::exchange(ready_, false) && !closing_)
        events_.report("not_ready",
                       fmt::format("{} at {}: {}", options_.share, to_string(options_.server), reason));
    changed_.cancel();
}

void Link::lose_session(const std::string& reason) {
    attached_once_ = false;
    incarnation_ = random_incarnation();
    if (was_ready_) events_.report("session_lost", reason);
    fail_waiting(false);
    locks_ = {};
    for (auto& [fid, state] : fids_)
        if (state.open_flags) state.dead = true;
}

void Link::fail_waiting(bool control_only) {
    std::vector<std::uint16_t> failed;
    for (const auto& [tag, waiting] : waiting_)
        if (waiting->control == control_only) failed.push_back(tag);
    for (std::uint16_t tag : failed) complete(tag, {{}, EIO, false});
}

void Link::complete(std::uint16_t tag, Answer answer) {
    auto found = waiting_.find(tag);
    WaitingPtr waiting = found->second;
    waiting_.erase(found);
    waiting->answer = std::move(answer);
    waiting->wake->cancel();
}

asio::awaitable<void> Link::close(Duration limit) {
    closing_ = true;
    if (ready_) {
        asio::steady_timer timer(executor_, std::chrono::duration_cast<asio::steady_timer::duration>(limit));
        timer.async_wait([this](boost::system::error_code error) {
            if (!error) disconnected("the clean end was not answered");
        });
        Body clunk_request = Tclunk{root_fid};
        co_await control(std::move(clunk_request));
        timer.cancel();
    }
    disconnected("closed");
    fail_waiting(false);
}

std::uint16_t Link::new_tag() {
    do next_tag_ = static_cast<std::uint16_t>(next_tag_ + 1);
    while (next_tag_ == no_tag || waiting_.contains(next_tag_));
    return next_tag_;
}

std::uint32_t Link::new_fid() {
    do ++next_fid_;
    while (next_fid_ >= scratch_fid || next_fid_ == root_fid || fids_.contains(next_fid_));
    return next_fid_;
}

void Link::know(std::uint32_t fid, Path path, const Qid& qid) {
    fids_[fid] = {std::move(path), qid, {}, false, false};
}

void Link::know_open(std::uint32_t fid, std::uint32_t flags) {
    auto found = fids_.find(fid);
    if (found != fids_.end()) found->second.open_flags = flags;
}

void Link::forget(std::uint32_t fid) {
    fids_.erase(fid);
    asio::co_spawn(
        executor_,
        [](Link& self, std::uint32_t number) -> asio::awaitable<void> {
            Body clunk_request = Tclunk{number};
            co_await self.call(std::move(clunk_request), nullptr);
        }(*this, fid),
        asio::detached);
}

bool Link::is_dead(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() || found->second.dead;
}

const Path* Link::path(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? nullptr : &found->second.path;
}

Qid Link::qid(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? Qid{} : found->second.qid;
}

void Link::renamed(const Path& from, const Path& to) {
    for (auto& [fid, state] : fids_) {
        if (state.gone || !is_at_or_below(state.path, from)) continue;
        Path moved = to;
        moved.insert(moved.end(), state.path.begin() + static_cast<std::ptrdiff_t>(from.size()),
                     state.path.end());
        state.path = std::move(moved);
    }
}

void Link::unlinked(const Path& path) {
    for (auto& [fid, state] : fids_)
        if (state.path == path) state.gone = true;
}

void Link::locked(std::uint64_t inode, const Tlock& granted) {
    std::optional<LockRange> range = lock_range(granted.start, granted.length);
    if (!range) return;
    LockedFile file = locked_file(inode, granted.client_id);
    LockOwner owner{0, granted.proc_id, granted.client_id};
    if (granted.type == lock_unlock) {
        locks_.release(file, owner, *range);
        return;
    }
    HeldLock lock{owner, *range, granted.type == lock_write ? LockMode::exclusive : LockMode::shared};
    // The server's word counts: what still seems to be in the way has been given up there.
    while (std::optional<HeldLock> other = locks_.conflict(file, lock))
        locks_.release(file, other->owner, lock.range);
    locks_.grant(file, lock);
}

bool Link::holds_locks(std::uint64_t inode, const std::string& client_id) const {
    std::vector<HeldLock> held = locks_.locks(locked_file(inode, client_id));
    return std::any_of(held.begin(), held.end(),
                       [&](const HeldLock& lock) { return lock.owner.client_id == client_id; });
}

}  // namespace understudy::files
