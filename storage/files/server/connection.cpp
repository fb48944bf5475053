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

namespace understudy::files {
namespace asio = boost::asio;

// g++ 12 destroys a closure twice that is made inside a co_await expression: work is made before it.

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

template <typename Operation>
asio::awaitable<Body> Connection::in_pool(Strand strand, Operation operation) {
    auto executor = co_await asio::this_coro::executor;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Body)>(
        [](auto handler, asio::any_io_executor back, Strand where, Operation work) {
            asio::post(where, [handler = std::move(handler), back, work = std::move(work)]() mutable {
                Body reply = work();
                asio::post(back, [handler = std::move(handler), reply = std::move(reply)]() mutable {
                    std::move(handler)(std::move(reply));
                });
            });
        },
        asio::use_awaitable, executor, std::move(strand), std::move(operation));
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
    FidPtr fid, other;
    bool needs_other = false;
    std::visit(
        [&](const auto& it) {
            if constexpr (requires {
                              it.old_fid;
                              it.new_fid;
                          }) {
                fid = find(it.old_fid);
                other = find(it.new_fid);
                needs_other = true;
            } else if constexpr (requires { it.fid; }) {
                fid = find(it.fid);
                if constexpr (requires { it.directory_fid; }) {
                    other = find(it.directory_fid);
                    needs_other = true;
                }
            }
        },
        request);
    if (fid == nullptr || (needs_other && other == nullptr)) co_return failure(EBADF);
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
                 request = std::move(request), data_limit]() -> Body {
        if (file->is_attribute && !std::holds_alternative<Tread>(request)) return failure(EBADF);
        return std::visit(
            [&](const auto& it) -> Body {
                using T = std::decay_t<decltype(it)>;
                if constexpr (std::is_same_v<T, Tread>) {
                    Tread limited = it;
                    limited.count = std::min(limited.count, data_limit);
                    return read_file(*file, limited);
                } else if constexpr (std::is_same_v<T, Treaddir>) {
                    Treaddir limited = it;
                    limited.count = std::min(limited.count, data_limit);
                    return read_directory(*file, limited);
                } else if constexpr (std::is_same_v<T, Twrite>) {
                    return write_file(*file, it);
                } else if constexpr (std::is_same_v<T, Tfsync>) {
                    return sync_file(*file, it);
                } else if constexpr (std::is_same_v<T, Tgetattr>) {
                    return get_attributes(*file);
                } else if constexpr (std::is_same_v<T, Tsetattr>) {
                    return set_attributes(*file, it);
                } else if constexpr (std::is_same_v<T, Tstatfs>) {
                    return file_system_status(*file);
                } else if constexpr (std::is_same_v<T, Tmkdir>) {
                    return make_directory(*file, it);
                } else if constexpr (std::is_same_v<T, Tsymlink>) {
                    return make_symlink(*file, it);
                } else if constexpr (std::is_same_v<T, Tmknod>) {
                    return make_node(*file, it);
                } else if constexpr (std::is_same_v<T, Tlink>) {
                    return make_link(*to, *file, it.name);
                } else if constexpr (std::is_same_v<T, Treadlink>) {
                    return read_link(*file);
                } else if constexpr (std::is_same_v<T, Tunlinkat>) {
                    return unlink_at(*file, it.name, it.flags);
                } else if constexpr (std::is_same_v<T, Trenameat>) {
                    return rename_at(*file, it.old_name, *to, it.new_name);
                } else if constexpr (std::is_same_v<T, Trename>) {
                    return rename_file(*file, *to, it.name);
                } else if constexpr (std::is_same_v<T, Tremove>) {
                    return remove_file(*file);
                } else {
                    return failure(EOPNOTSUPP);
                }
            },
            request);
    };
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

asio::awaitable<Body> Connection::walk_to(Twalk request) {
    FidPtr from = find(request.fid);
    if (from == nullptr) co_return failure(EBADF);
    bool in_place = request.new_fid == request.fid;
    if (request.new_fid == no_fid || (!in_place && fids_.contains(request.new_fid)))
        co_return failure(EINVAL);
    auto to = std::make_shared<HostFile>();
    std::size_t wanted = request.names.size();
    std::uint32_t new_fid = request.new_fid;
    auto work = [file = from->file, to, request = std::move(request)] { return walk(*file, request, *to); };
    Body reply = co_await in_pool(from->strand, std::move(work));
    const auto* walked = std::get_if<Rwalk>(&reply);
    if (walked == nullptr || walked->qids.size() != wanted) co_return reply;
    if (in_place) {
        from->file = std::move(to);
    } else if (!add(new_fid, std::move(to), new_strand())) {
        co_return failure(EMFILE);
    }
    co_return reply;
}

asio::awaitable<Body> Connection::open(Tlopen request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    auto opened = std::make_shared<HostFile>();
    std::uint32_t io_unit = message_bytes_ - read_write_overhead;
    auto work = [file = fid->file, opened, request, io_unit] {
        return open_file(*file, request, io_unit, *opened);
    };
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlopen>(reply)) fid->file = std::move(opened);
    co_return reply;
}

asio::awaitable<Body> Connection::create(Tlcreate request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    auto created = std::make_shared<HostFile>();
    std::uint32_t io_unit = message_bytes_ - read_write_overhead;
    auto work = [file = fid->file, created, request = std::move(request), io_unit] {
        return create_file(*file, request, io_unit, *created);
    };
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlcreate>(reply)) fid->file = std::move(created);
    co_return reply;
}

asio::awaitable<Body> Connection::clunk(std::uint32_t number) {
    auto found = fids_.find(number);
    if (found == fids_.end()) co_return failure(EBADF);
    FidPtr fid = found->second;
    fids_.erase(found);
    if (fid->file->is_root && leased_) share_->sessions->end(session_, "unmounted");
    if (!fid->attribute_write) co_return Rclunk{};
    auto work = [write = std::move(*fid->attribute_write)] { return commit_attribute(write); };
    co_return co_await in_pool(fid->strand, std::move(work));
}

asio::awaitable<Body> Connection::attribute(Txattrwalk request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    if (fid->file->is_attribute || fids_.contains(request.new_fid)) co_return failure(EINVAL);
    auto value = std::make_shared<HostFile>();
    value->is_attribute = true;
    value->share = fid->file->share;
    Body reply;
    if (request.name == lease_attribute) {
        value->attribute = std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(share_->sessions->lease()).count());
        reply = Rxattrwalk{value->attribute.size()};
    } else if (request.name == fence_attribute) {
        bool is_root = fid->file->path == "/";
        value->attribute = std::to_string(is_root ? share_->sessions->share_fence()
                                                  : share_->sessions->fence(fid->file->qid.path));
        reply = Rxattrwalk{value->attribute.size()};
    } else {
        auto work = [file = fid->file, value, name = request.name] {
            return read_attribute(*file, name, value->attribute);
        };
        reply = co_await in_pool(fid->strand, std::move(work));
    }
    if (std::holds_alternative<Rxattrwalk>(reply) && !add(request.new_fid, std::move(value), new_strand()))
        co_return failure(EMFILE);
    co_return reply;
}

Body Connection::attribute_create(const Txattrcreate& request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) return failure(EBADF);
    if (fid->attribute_write) return failure(EINVAL);
    if (request.name.starts_with(own_attributes)) return failure(EPERM);
    AttributeWrite write;
    Body reply = begin_attribute(request, fid->file, write);
    if (std::holds_alternative<Rxattrcreate>(reply)) fid->attribute_write = std::move(write);
    return reply;
}

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
        auto granted = share_->sessions->lock_or_wait(ticket, file, wanted, fid->file->path);
        outcome = co_await std::move(granted);
        waiting_.erase(tag);
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

Connection::FidPtr Connection::find(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? nullptr : found->second;
}

bool Connection::add(std::uint32_t fid, std::shared_ptr<const HostFile> file, const Strand& strand) {
    if (fid == no_fid || fids_.size() >= max_fids) return false;
    return fids_.try_emplace(fid, std::make_shared<Fid>(Fid{std::move(file), strand, {}})).second;
}

Connection::Strand Connection::new_strand() const {
    return asio::make_strand(host_.file_pool().get_executor());
}

}  // namespace understudy::files
