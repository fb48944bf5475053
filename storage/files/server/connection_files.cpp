// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "storage/files/server/connection.hpp"
#include "storage/files/server/file_pool.hpp"

namespace understudy::files {
namespace asio = boost::asio;

asio::awaitable<Body> Connection::walk_to(Twalk request) {
    FidPtr from = find(request.fid);
    if (from == nullptr) co_return failure(EBADF);
    bool in_place = request.new_fid == request.fid;
    if (in_place && from->file->opened.valid()) co_return failure(EINVAL);
    if (request.new_fid == no_fid || (!in_place && is_taken(request.new_fid))) co_return failure(EINVAL);
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
    std::shared_ptr<SessionGate> gate = (request.flags & O_TRUNC) != 0 ? gate_ : nullptr;
    auto work = through(std::move(gate), [file = fid->file, opened, request, io_unit] {
        return open_file(*file, request, io_unit, *opened);
    });
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlopen>(reply) && find(request.fid) == fid)
        this->opened(*fid, std::move(opened));
    co_return reply;
}

asio::awaitable<Body> Connection::create(Tlcreate request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    auto created = std::make_shared<HostFile>();
    std::uint32_t io_unit = message_bytes_ - read_write_overhead;
    const std::uint32_t number = request.fid;
    auto work = through(gate_, [file = fid->file, created, request = std::move(request), io_unit] {
        return create_file(*file, request, io_unit, *created);
    });
    Body reply = co_await in_pool(fid->strand, std::move(work));
    if (std::holds_alternative<Rlcreate>(reply) && find(number) == fid) opened(*fid, std::move(created));
    co_return reply;
}

asio::awaitable<Body> Connection::clunk(std::uint32_t number) {
    auto found = fids_.find(number);
    if (found == fids_.end()) co_return failure(EBADF);
    FidPtr fid = found->second;
    forget(number);
    if (fid->file->is_root && leased_) share_->sessions->end(session_, "unmounted");
    if (!fid->attribute_write) co_return Rclunk{};
    if (fid->attribute_write->name == fence_attribute)
        co_return set_fence(*fid->file, fid->attribute_write->value);
    auto work =
        through(gate_, [write = std::move(*fid->attribute_write)] { return commit_attribute(write); });
    co_return co_await in_pool(fid->strand, std::move(work));
}

}  // namespace understudy::files
