// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "storage/files/server/connection.hpp"
#include "storage/files/server/file_pool.hpp"
#include "storage/files/server/file_requests.hpp"
#include "storage/files/server/host_at_once.hpp"

namespace understudy::files {
namespace asio = boost::asio;

std::optional<Body> Connection::refuse_walk(const Twalk& request) const {
    const FidPtr from = find(request.fid);
    if (from == nullptr) return failure(EBADF);
    const bool in_place = request.new_fid == request.fid;
    if (in_place && from->file->opened.valid()) return failure(EINVAL);
    if (request.new_fid == no_fid || (!in_place && is_taken(request.new_fid))) return failure(EINVAL);
    return std::nullopt;
}

// The new fid is made when every name was found.
Body Connection::walked(const Twalk& request, Body reply, std::shared_ptr<const HostFile> to) {
    const auto* walked = std::get_if<Rwalk>(&reply);
    if (walked == nullptr || walked->qids.size() != request.names.size()) return reply;
    if (request.new_fid == request.fid) {
        if (const FidPtr from = find(request.fid); from != nullptr) from->file = std::move(to);
    } else if (!add(request.new_fid, std::move(to), new_strand())) {
        return failure(EMFILE);
    }
    return reply;
}

asio::awaitable<Body> Connection::walk_to(Twalk request) {
    if (std::optional<Body> refused = refuse_walk(request)) co_return std::move(*refused);
    const FidPtr from = find(request.fid);
    auto to = std::make_shared<HostFile>();
    auto work = [file = from->file, to, request] { return walk(*file, request, *to); };
    Body reply = co_await in_pool(from->strand, std::move(work));
    co_return walked(request, std::move(reply), std::move(to));
}

std::optional<Body> Connection::walk_to_at_once(const Twalk& request) {
    if (std::optional<Body> refused = refuse_walk(request)) return refused;
    auto to = std::make_shared<HostFile>();
    std::optional<Body> reply = walk_at_once(*find(request.fid)->file, request, *to);
    if (reply) reply = walked(request, std::move(*reply), std::move(to));
    return reply;
}

asio::awaitable<Body> Connection::open(Tlopen request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    auto opened = std::make_shared<HostFile>();
    std::uint32_t io_unit = message_bytes_ - read_write_overhead;
    std::shared_ptr<SessionGate> gate = (request.flags & O_TRUNC) != 0 ? gate_ : nullptr;
    auto work = through(std::move(gate), [file = fid->file, opened, request, io_unit] {
        return open_file(*file, request, io_unit, *opened);
    });
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlopen>(reply) && find(request.fid) == fid)
        this->opened(*fid, std::move(opened));
    co_return reply;
}

std::optional<Body> Connection::open_at_once(const Tlopen& request) {
    const FidPtr fid = find(request.fid);
    if (fid == nullptr) return failure(EBADF);
    auto file = std::make_shared<HostFile>();
    std::optional<Body> reply =
        open_file_at_once(*fid->file, request, message_bytes_ - read_write_overhead, *file);
    if (reply && std::holds_alternative<Rlopen>(*reply)) opened(*fid, std::move(file));
    return reply;
}

asio::awaitable<Body> Connection::create(Tlcreate request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    auto created = std::make_shared<HostFile>();
    std::uint32_t io_unit = message_bytes_ - read_write_overhead;
    const std::uint32_t number = request.fid;
    const bool here = waits_for_nothing(*fid, request);
    auto work = through(gate_, [file = fid->file, created, request = std::move(request), io_unit] {
        return create_file(*file, request, io_unit, *created);
    });
    Body reply;
    if (here)
        reply = work();
    else
        reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlcreate>(reply) && find(number) == fid) opened(*fid, std::move(created));
    co_return reply;
}

// None: an attribute's value is still to be put on its file.
std::optional<Body> Connection::clunk_at_once(std::uint32_t number) {
    const FidPtr fid = find(number);
    if (fid == nullptr) return failure(EBADF);
    if (fid->attribute_write) return std::nullopt;
    forget(number);
    if (fid->file->is_root && leased_) share_->sessions->end(session_, "unmounted");
    return Rclunk{};
}

asio::awaitable<Body> Connection::clunk(std::uint32_t number) {
    if (std::optional<Body> done = clunk_at_once(number)) co_return std::move(*done);
    const FidPtr fid = find(number);
    forget(number);
    if (fid->file->is_root && leased_) share_->sessions->end(session_, "unmounted");
    if (fid->attribute_write->name == fence_attribute)
        co_return set_fence(*fid->file, fid->attribute_write->value);
    auto work =
        through(gate_, [write = std::move(*fid->attribute_write)] { return commit_attribute(write); });
    co_return co_await in_pool(fid->strand, std::move(work));
}

// What waits for nothing: faults are judged and keys are proved by requests that may wait.
std::optional<Body> Connection::answer_at_once(const Body& request) {
    if (!version_agreed_ || share_ == nullptr || !proofs_.empty() || share_->faults->any())
        return std::nullopt;
    if (const auto* it = std::get_if<Twalk>(&request)) return walk_to_at_once(*it);
    if (const auto* it = std::get_if<Tlopen>(&request)) return open_at_once(*it);
    if (const auto* it = std::get_if<Tclunk>(&request)) return clunk_at_once(it->fid);
    const FileFids named = fids_of(request);
    const FidPtr fid = named.file ? find(*named.file) : nullptr;
    if (fid == nullptr || fid->attribute_write) return std::nullopt;
    if (const auto* it = std::get_if<Tread>(&request)) {
        if (is_delegation(it->fid)) return std::nullopt;
        Tread limited = *it;
        limited.count = std::min(limited.count, message_bytes_ - read_write_overhead);
        return read_file_at_once(*fid->file, limited);
    }
    if (fid->file->is_attribute) return std::nullopt;
    if (std::holds_alternative<Tgetattr>(request)) return get_attributes_at_once(*fid->file);
    if (!std::holds_alternative<Tstatfs>(request)) return std::nullopt;
    reclaim_done();
    return file_system_status_at_once(*fid->file);
}

}  // namespace understudy::files
