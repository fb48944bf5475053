// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <charconv>
#include <utility>

#include "storage/files/server/connection.hpp"
#include "storage/files/server/file_pool.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {
constexpr std::uint64_t max_fence_digits = 20;
}

asio::awaitable<Body> Connection::attribute(Txattrwalk request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) co_return failure(EBADF);
    if (fid->file->is_attribute || is_taken(request.new_fid)) co_return failure(EINVAL);
    auto value = std::make_shared<HostFile>();
    value->is_attribute = true;
    value->share = fid->file->share;
    value->path = fid->file->path;
    Body reply;
    if (request.name == lease_attribute) {
        value->attribute = std::to_string(whole_milliseconds(share_->sessions->lease()));
        reply = Rxattrwalk{value->attribute.size()};
    } else if (request.name == fence_attribute) {
        bool is_root = fid->file->path == "/";
        value->attribute = std::to_string(is_root ? share_->sessions->share_fence()
                                                  : share_->sessions->fence(fid->file->qid.path));
        reply = Rxattrwalk{value->attribute.size()};
    } else if (request.name == delegation_attribute) {
        // Without a lease nobody could tell when what is remembered must be forgotten.
        if (!fid->file->is_root || !leased_) co_return failure(EOPNOTSUPP);
        if (delegation_fid_ || !share_->sessions->ask_delegation(session_)) co_return failure(EBUSY);
        reply = Rxattrwalk{0};
    } else {
        auto work = [file = fid->file, value, name = request.name] {
            return read_attribute(*file, name, value->attribute);
        };
        reply = co_await in_pool(fid->strand, std::move(work));
    }
    const bool found = std::holds_alternative<Rxattrwalk>(reply);
    const bool added = found && add(request.new_fid, std::move(value), new_strand());
    if (request.name == delegation_attribute) {
        if (added)
            delegation_fid_ = request.new_fid;
        else
            share_->sessions->return_delegation(session_);
    }
    co_return found && !added ? failure(EMFILE) : std::move(reply);
}

Body Connection::attribute_create(const Txattrcreate& request) {
    FidPtr fid = find(request.fid);
    if (fid == nullptr) return failure(EBADF);
    if (fid->attribute_write) return failure(EINVAL);
    const bool is_fence = request.name == fence_attribute;
    if (is_fence && (request.size == 0 || request.size > max_fence_digits)) return failure(EINVAL);
    if (request.name.starts_with(own_attributes) && !is_fence) return failure(EPERM);
    AttributeWrite write;
    Body reply = begin_attribute(request, fid->file, write);
    if (std::holds_alternative<Rxattrcreate>(reply)) fid->attribute_write = std::move(write);
    return reply;
}

// The session's writes to the file carry the number from now on.
Body Connection::set_fence(const HostFile& file, const std::string& value) {
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc() || end != value.data() + value.size()) return failure(EINVAL);
    switch (share_->sessions->set_fence(session_, file.qid.path, number)) {
        case FenceSet::carried:
            return Rclunk{};
        case FenceSet::overtaken:
        case FenceSet::no_session:
            return failure(ESTALE);
        case FenceSet::never_given:
            return failure(EINVAL);
        case FenceSet::too_many:
            return failure(ENOSPC);
    }
    return failure(EIO);
}

}  // namespace understudy::files
