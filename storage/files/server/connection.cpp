// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/connection.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/core/codec.hpp"
#include "storage/files/server/file_pool.hpp"
#include "storage/files/server/file_requests.hpp"
#include "storage/files/server/host_at_once.hpp"
#include "storage/files/server/request_paths.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::size_t max_outstanding = 64;
constexpr std::size_t max_queued_bytes = 4 << 20;
// Taken before others have their turn and what was answered is sent.
constexpr std::size_t max_in_a_row = 64;
constexpr std::size_t max_queued_in_a_row = 256 << 10;
constexpr std::size_t max_held = 1024;
constexpr std::size_t max_held_bytes = 32 << 20;

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Endpoint peer, Host& host)
    : stream_(nullptr),
      peer_(peer),
      host_(host),
      room_(socket.get_executor()),
      healed_(socket.get_executor()) {
    stream_ = std::make_shared<FrameStream>(std::move(socket));
    room_.expires_at(asio::steady_timer::time_point::max());
    healed_.expires_at(asio::steady_timer::time_point::max());
}

void Connection::close() {
    stream_->close();
    room_.cancel();
    healed_.cancel();
}

asio::awaitable<void> Connection::run() {
    std::shared_ptr<Connection> self = shared_from_this();
    std::size_t in_a_row = 0;
    while (stream_->is_open()) {
        Result<Frame> frame =
            co_await stream_->read_frame(version_agreed_ ? message_bytes_ : min_message_bytes);
        if (frame.has_error()) {
            spdlog::debug("{}: {}", to_string(peer_), frame.error().message());
            break;
        }
        while (stream_->is_open() && is_cut_off()) co_await healed();
        if (!stream_->is_open()) break;
        Result<Message> message = decode(std::move(*frame));
        if (message.has_error() || outstanding_.contains(message->tag)) {
            spdlog::warn("{}: connection ended: {}", to_string(peer_),
                         message.has_error() ? message.error().message() : "a tag is used twice");
            break;
        }
        if (share_ != nullptr) share_->sessions->heard(session_);
        take(std::move(*message));
        if (++in_a_row == max_in_a_row || stream_->queued_bytes() > max_queued_in_a_row) {
            in_a_row = 0;
            co_await asio::post(asio::use_awaitable);
        }
        while (stream_->is_open() && !has_room()) {
            room_.expires_after(std::chrono::milliseconds(50));
            co_await room_.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }
    stream_->close();
    for (const auto& [tag, ticket] : std::map(waiting_)) share_->sessions->cancel(ticket);
    for (const auto& [tag, held] : std::map(held_)) held.cancel();
    faults_changed();  // what was withheld has nobody to go to
    if (share_ != nullptr && !leased_) share_->sessions->end(session_, "its connection ended");
}

bool Connection::has_room() const {
    const std::size_t apart = held_.size() + deferred_.size();
    return outstanding_.size() - waiting_.size() - apart < max_outstanding &&
           stream_->queued_bytes() <= max_queued_bytes && apart < max_held &&
           held_bytes_ + deferred_bytes_ <= max_held_bytes;
}

void Connection::take(Message message) {
    const std::uint16_t tag = message.tag;
    outstanding_.try_emplace(tag, Outstanding{io::monotonic_now(), message.body.index(), {}});
    const NamedFids named = named_fids(message.body);
    if (turns_.is_idle(named))
        if (std::optional<Body> reply = answer_at_once(message.body)) return finish(tag, std::move(*reply));
    if (turns_.begin(tag, named)) {
        asio::co_spawn(room_.get_executor(), serve(shared_from_this(), std::move(message)), asio::detached);
        return;
    }
    deferred_bytes_ += written_bytes(message.body);
    deferred_.emplace(tag, std::move(message));
}

// What waited for its turn, if it was not given up since.
asio::awaitable<void> Connection::serve_in_turn(std::shared_ptr<Connection> self, std::uint16_t tag) {
    auto found = self->deferred_.extract(tag);
    if (found.empty()) co_return;
    Message message = std::move(found.mapped());
    self->deferred_bytes_ -= written_bytes(message.body);
    if (self->stream_->is_open())
        co_await serve(self, std::move(message));
    else
        self->finish(tag, failure(EIO));  // asked again by the next connection
}

void Connection::flush(std::uint16_t tag, std::uint16_t old_tag) {
    auto waited_for = outstanding_.find(old_tag);
    if (waited_for != outstanding_.end() && old_tag != tag)
        waited_for->second.flushes.push_back(tag);  // answered when the old request was
    else
        finish(tag, Rflush{});
    if (auto lock = waiting_.find(old_tag); lock != waiting_.end()) share_->sessions->cancel(lock->second);
    if (auto held = held_.find(old_tag); held != held_.end()) std::function(held->second.cancel)();
    if (auto deferred = deferred_.extract(old_tag); !deferred.empty()) {
        deferred_bytes_ -= written_bytes(deferred.mapped().body);
        discarded_.insert(old_tag);
        finish(old_tag, failure(EINTR));
    }
}

asio::awaitable<void> Connection::serve(std::shared_ptr<Connection> self, Message message) {
    std::uint16_t tag = message.tag;
    if (const auto* it = std::get_if<Tflush>(&message.body)) {
        self->flush(tag, it->old_tag);
        co_return;
    }
    if (self->share_ != nullptr && self->share_->faults->any()) {
        auto judged = self->befalls(tag, message.body);
        const int error = co_await std::move(judged);
        if (error != 0) {
            if (error == Faults::given_up) self->discarded_.insert(tag);
            self->finish(tag, failure(error == Faults::given_up ? EINTR : error));
            co_return;
        }
    }
    const bool changes = self->changes_share(message.body);
    if (changes && !co_await self->change_begins(tag, written_bytes(message.body))) {
        self->discarded_.insert(tag);
        self->finish(tag, failure(EINTR));
        co_return;
    }
    Body reply = co_await self->answer(tag, std::move(message.body));
    if (changes) self->share_->sessions->change_ends(self->session_);
    self->finish(tag, std::move(reply));
}

void Connection::finish(std::uint16_t tag, Body reply) {
    if (stream_->is_open() && is_cut_off()) {
        withheld_.emplace_back(tag, std::move(reply));
        return;
    }
    auto found = outstanding_.find(tag);
    if (share_ != nullptr)
        share_->requests.count(found->second.kind, reply, io::monotonic_now() - found->second.since);
    if (discarded_.erase(tag) == 0) stream_->send(encode_frame({tag, std::move(reply)}));
    std::vector<std::uint16_t> flushes = std::move(found->second.flushes);
    outstanding_.erase(found);
    for (std::uint16_t flush : flushes) finish(flush, Rflush{});
    end_turn(tag);
    room_.cancel();
}

void Connection::end_turn(std::uint16_t tag) {
    for (std::uint16_t next : turns_.end(tag))
        asio::co_spawn(room_.get_executor(), serve_in_turn(shared_from_this(), next), asio::detached);
}

// A share in memory, little to copy, and nothing of these fids in the pool.
bool Connection::waits_for_nothing(const Fid& fid, const Body& request) const {
    const auto* read = std::get_if<Tread>(&request);
    const auto* list = std::get_if<Treaddir>(&request);
    const std::size_t bytes = read != nullptr   ? read->count
                              : list != nullptr ? list->count
                                                : written_bytes(request);
    return fid.file->share->waits() == WaitsFor::nothing && bytes <= max_bytes_at_once &&
           turns_.runs_alone(named_fids(request));
}

asio::awaitable<Body> Connection::answer(std::uint16_t tag, Body request) {
    if (const auto* it = std::get_if<Tversion>(&request)) co_return version(*it);
    if (!version_agreed_) co_return failure(EPROTO);
    if (auto* it = std::get_if<Tattach>(&request)) co_return co_await attach(std::move(*it));
    if (auto* it = std::get_if<Tauth>(&request)) co_return co_await auth(std::move(*it));
    if (std::optional<Body> reply = prove(request)) co_return std::move(*reply);
    if (share_ == nullptr) co_return failure(EACCES);
    if (auto* it = std::get_if<Twalk>(&request)) co_return co_await walk_to(std::move(*it));
    if (auto* it = std::get_if<Tlopen>(&request)) co_return co_await open(*it);
    if (auto* it = std::get_if<Tlcreate>(&request)) co_return co_await create(std::move(*it));
    if (const auto* it = std::get_if<Tclunk>(&request)) co_return co_await clunk(it->fid);
    if (auto* it = std::get_if<Txattrwalk>(&request)) co_return co_await attribute(std::move(*it));
    if (const auto* it = std::get_if<Txattrcreate>(&request)) co_return attribute_create(*it);
    if (const auto* it = std::get_if<Tread>(&request); it != nullptr && is_delegation(it->fid))
        co_return co_await read_recall(tag);
    if (auto* it = std::get_if<Tlock>(&request)) co_return co_await lock(tag, std::move(*it));
    if (const auto* it = std::get_if<Tgetlock>(&request)) co_return get_lock(*it);

    // What is left works on files alone: in the pool, in its fid's order.
    const FileFids numbers = fids_of(request);
    FidPtr fid = numbers.file ? find(*numbers.file) : nullptr;
    FidPtr other = numbers.to ? find(*numbers.to) : nullptr;
    if (fid == nullptr || (numbers.to && other == nullptr)) co_return failure(EBADF);
    if (fid->attribute_write) {  // since Txattrcreate it takes the value and nothing else
        const auto* write = std::get_if<Twrite>(&request);
        co_return write == nullptr ? failure(EBADF) : append_attribute(*write, *fid->attribute_write);
    }
    if (std::holds_alternative<Tstatfs>(request)) reclaim_done();
    const auto* resize = std::get_if<Tsetattr>(&request);
    if ((std::holds_alternative<Twrite>(request) ||
         (resize != nullptr && (resize->valid & setattr_size) != 0)) &&
        !share_->sessions->may_write(session_, fid->file->qid.path, fid->file->path))
        co_return failure(ESTALE);
    bool removes = std::holds_alternative<Tremove>(request);
    std::uint32_t removed_fid = removes ? std::get<Tremove>(request).fid : no_fid;
    std::uint32_t data_limit = message_bytes_ - read_write_overhead;
    std::shared_ptr<SessionGate> gate = changes_files(request) ? gate_ : nullptr;
    const bool here = waits_for_nothing(*fid, request);
    auto work = through(std::move(gate), [file = fid->file, to = other == nullptr ? nullptr : other->file,
                                          request = std::move(request), data_limit] {
        return answer_file_request(*file, to.get(), request, data_limit);
    });
    Body reply;
    if (here)
        reply = work();
    else
        reply = co_await in_pool(fid->strand, std::move(work));
    if (removes) forget(removed_fid);  // Tremove clunks, whether it removed or not
    co_return reply;
}

}  // namespace understudy::files
