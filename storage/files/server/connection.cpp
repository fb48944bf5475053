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

#include "storage/files/core/codec.hpp"
#include "storage/files/server/file_pool.hpp"
#include "storage/files/server/file_requests.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::size_t max_fids = 65536;
constexpr std::size_t max_outstanding = 64;
constexpr std::size_t max_queued_bytes = 4 << 20;

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, std::string peer, Host& host)
    : stream_(nullptr), peer_(std::move(peer)), host_(host), room_(socket.get_executor()) {
    stream_ = std::make_shared<FrameStream>(std::move(socket));
    room_.expires_at(asio::steady_timer::time_point::max());
}

asio::awaitable<void> Connection::run() {
    std::shared_ptr<Connection> self = shared_from_this();
    auto executor = co_await asio::this_coro::executor;
    while (stream_->is_open()) {
        Result<std::string> frame =
            co_await stream_->read_frame(version_agreed_ ? message_bytes_ : min_message_bytes);
        if (frame.has_error()) {
            spdlog::debug("{}: {}", peer_, frame.error().message());
            break;
        }
        Result<Message> message = decode(*frame);
        if (message.has_error() || outstanding_.contains(message->tag)) {
            spdlog::warn("{}: connection ended: {}", peer_,
                         message.has_error() ? message.error().message() : "a tag is used twice");
            break;
        }
        if (share_ != nullptr) share_->sessions->heard(session_);
        outstanding_.try_emplace(message->tag);
        asio::co_spawn(executor, serve(self, std::move(*message)), asio::detached);
        while (stream_->is_open() && (outstanding_.size() - waiting_.size() >= max_outstanding ||
                                      stream_->queued_bytes() > max_queued_bytes)) {
            room_.expires_after(std::chrono::milliseconds(50));
            co_await room_.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }
    stream_->close();
    for (const auto& [tag, ticket] : std::map(waiting_)) share_->sessions->cancel(ticket);
    if (share_ != nullptr && !leased_) share_->sessions->end(session_, "its connection ended");
}

asio::awaitable<void> Connection::serve(std::shared_ptr<Connection> self, Message message) {
    std::uint16_t tag = message.tag;
    if (const auto* flush = std::get_if<Tflush>(&message.body)) {
        auto waited_for = self->outstanding_.find(flush->old_tag);
        if (waited_for != self->outstanding_.end() && flush->old_tag != tag)
            waited_for->second.push_back(tag);  // answered when the old request was
        else
            self->finish(tag, Rflush{});
        if (auto lock = self->waiting_.find(flush->old_tag); lock != self->waiting_.end())
            self->share_->sessions->cancel(lock->second);
        co_return;
    }
    Body reply = co_await self->answer(tag, std::move(message.body));
    self->finish(tag, std::move(reply));
}

void Connection::finish(std::uint16_t tag, Body reply) {
    if (discarded_.erase(tag) == 0) stream_->send(encode({tag, std::move(reply)}));
    auto found = outstanding_.find(tag);
    std::vector<std::uint16_t> flushes = std::move(found->second);
    outstanding_.erase(found);
    for (std::uint16_t flush : flushes) finish(flush, Rflush{});
    room_.cancel();
}

asio::awaitable<Body> Connection::answer(std::uint16_t tag, Body request) {
    if (const auto* it = std::get_if<Tversion>(&request)) co_return version(*it);
    if (!version_agreed_) co_return failure(EPROTO);
    if (auto* it = std::get_if<Tattach>(&request)) co_return co_await attach(std::move(*it));
    if (std::holds_alternative<Tauth>(request))
        co_return failure(EOPNOTSUPP);  // no authentication is required
    if (share_ == nullptr) co_return failure(EACCES);
    if (auto* it = std::get_if<Twalk>(&request)) co_return co_await walk_to(std::move(*it));
    if (auto* it = std::get_if<Tlopen>(&request)) co_return co_await open(*it);
    if (auto* it = std::get_if<Tlcreate>(&request)) co_return co_await create(std::move(*it));
    if (const auto* it = std::get_if<Tclunk>(&request)) co_return co_await clunk(it->fid);
    if (auto* it = std::get_if<Txattrwalk>(&request)) co_return co_await attribute(std::move(*it));
    if (const auto* it = std::get_if<Txattrcreate>(&request)) co_return attribute_create(*it);
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
    if (std::holds_alternative<Tstatfs>(request)) share_->sessions->reclaim_done(session_);
    const auto* resize = std::get_if<Tsetattr>(&request);
    if ((std::holds_alternative<Twrite>(request) ||
         (resize != nullptr && (resize->valid & setattr_size) != 0)) &&
        !share_->sessions->may_write(session_, fid->file->qid.path, fid->file->path))
        co_return failure(ESTALE);
    bool removes = std::holds_alternative<Tremove>(request);
    std::uint32_t removed_fid = removes ? std::get<Tremove>(request).fid : no_fid;
    std::uint32_t data_limit = message_bytes_ - read_write_overhead;
    auto work = [file = fid->file, to = other == nullptr ? nullptr : other->file,
                 request = std::move(request),
                 data_limit] { return answer_file_request(*file, to.get(), request, data_limit); };
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (removes) fids_.erase(removed_fid);  // Tremove clunks, whether it removed or not
    co_return reply;
}

Body Connection::version(const Tversion& request) {
    fids_.clear();
    if (request.message_bytes < min_message_bytes) return failure(EMSGSIZE);
    message_bytes_ = std::min(request.message_bytes, max_message_bytes);
    version_agreed_ = request.version == "9P2000.L";
    return Rversion{message_bytes_, version_agreed_ ? "9P2000.L" : "unknown"};
}

asio::awaitable<Body> Connection::attach(Tattach request) {
    std::optional<ClientName> name = parse_client_name(request.user);
    ExportedShare* share = host_.find_share(request.share);
    if (!name || share == nullptr) {
        spdlog::warn("{}: attach to \"{}\" as \"{}\" refused: no such {}", peer_, request.share, request.user,
                     share == nullptr ? "export" : "client name");
        co_return failure(share == nullptr ? ENOENT : EINVAL);
    }
    if (request.fid == no_fid || fids_.contains(request.fid)) co_return failure(EINVAL);
    if (share_ != nullptr && (share_ != share || user_ != request.user)) co_return failure(EPERM);
    if (share_ == nullptr) {
        AttachOutcome outcome = share->sessions->attach(*name);
        if (const auto* refused = std::get_if<AttachRefused>(&outcome)) {
            spdlog::info("{}: attach as {} refused: {}", peer_, request.user, refused->reason);
            co_return failure(refused->stale ? ESTALE : EUSERS);
        }
        share_ = share;
        session_ = std::get<Attached>(outcome).session;
        user_ = request.user;
        leased_ = !name->incarnation.empty();
        co_await host_.become_the_only_one(*this);
        if (!stream_->is_open()) co_return failure(ESTALE);
    }
    auto root = std::make_shared<HostFile>();
    Body reply = attach_root(share->share, *root);
    if (std::holds_alternative<Rattach>(reply)) add(request.fid, std::move(root), new_strand());
    co_return reply;
}

Connection::FidPtr Connection::find(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? nullptr : found->second;
}

bool Connection::add(std::uint32_t fid, std::shared_ptr<const HostFile> file, const FileStrand& strand) {
    if (fid == no_fid || fids_.size() >= max_fids) return false;
    return fids_.try_emplace(fid, std::make_shared<Fid>(Fid{std::move(file), strand, {}})).second;
}

FileStrand Connection::new_strand() const {
    return asio::make_strand(host_.file_pool().get_executor());
}

}  // namespace understudy::files
