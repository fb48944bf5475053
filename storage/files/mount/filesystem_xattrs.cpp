// SPDX-License-Identifier: Apache-2.0
// Extended attributes. Only those of users: others mean something to the kernel that keeps them. The server's
// own are among them: user.understudy.fence is a file's fencing number.
#include <sys/xattr.h>

#include <cerrno>
#include <utility>

#include "storage/files/core/session_machine.hpp"
#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::string_view users_space = "user.", access_control_lists = "system.posix_acl_";
// A connection lost in the middle takes the half-written value with it: begun again, but not for ever.
constexpr int tries = 8;

}  // namespace

Filesystem::Task Filesystem::getxattr(CallPtr call, fuse_ino_t inode, std::string name, std::size_t size) {
    if (!name.empty() && !name.starts_with(users_space)) {
        // No file has an access control list; that is no reason not to ask for one.
        call->error(name.starts_with(access_control_lists) ? ENODATA : EOPNOTSUPP);
        co_return;
    }
    Attribute found = co_await attribute(call, fid_of(inode), std::move(name));
    if (found.error != 0)
        call->error(found.error);
    else if (size == 0)
        call->size(found.value.size());
    else if (found.value.size() > size)
        call->error(ERANGE);
    else
        call->data(found.value);
}

// The value; of an empty name the names that there are.
asio::awaitable<Filesystem::Attribute> Filesystem::attribute(CallPtr call, std::uint32_t fid,
                                                             std::string name) {
    Attribute found;
    for (int left = tries; left > 0; --left) {
        found = {};
        if (link_.fids().is_dead(fid)) {
            found.error = ESTALE;
            break;
        }
        const std::uint64_t connection = link_.connections();
        const std::uint32_t scratch = link_.fids().free_number();
        link_.fids().know(scratch, {}, {});
        Body xattrwalk_request = Txattrwalk{fid, scratch, name};
        Answer walked = co_await ask(call, std::move(xattrwalk_request));
        found.error = error_of<Rxattrwalk>(walked);
        const std::uint64_t length = found.error == 0 ? std::get<Rxattrwalk>(walked.body).size : 0;
        while (found.error == 0 && found.value.size() < length) {
            Body read_request = Tread{scratch, found.value.size(), link_.data_bytes()};
            Answer read = co_await ask(call, std::move(read_request));
            found.error = error_of<Rread>(read);
            if (found.error == 0 && std::get<Rread>(read.body).data.value.empty()) found.error = EIO;
            if (found.error == 0) found.value += std::get<Rread>(read.body).data.value;
        }
        link_.forget(scratch);
        if (found.error != EBADF || link_.connections() == connection) break;
    }
    co_return found;
}

Filesystem::Task Filesystem::setxattr(CallPtr call, fuse_ino_t inode, std::string name, std::string value,
                                      int flags) {
    const std::uint32_t fid = fid_of(inode);
    if (!name.starts_with(users_space)) {
        call->error(EOPNOTSUPP);
        co_return;
    }
    // In 9P an empty value that replaces removes.
    if (value.empty() && flags == XATTR_REPLACE) {
        Attribute there = co_await attribute(call, fid, name);
        if (there.error != 0) {
            call->error(there.error);
            co_return;
        }
        flags = 0;
    }
    // Who gives a file a fencing number wants to be told of each write that is refused.
    if (auto known = inodes_.find(inode); name == fence_attribute && known != inodes_.end())
        behind_.exclude(known->second.number);
    int error = co_await put_attribute(call, fid, std::move(name), std::move(value), flags);
    call->error(error);
}

Filesystem::Task Filesystem::removexattr(CallPtr call, fuse_ino_t inode, std::string name) {
    if (!name.starts_with(users_space)) {
        call->error(EOPNOTSUPP);
        co_return;
    }
    int error = co_await put_attribute(call, fid_of(inode), std::move(name), {}, XATTR_REPLACE);
    call->error(error);
}

asio::awaitable<int> Filesystem::put_attribute(CallPtr call, std::uint32_t fid, std::string name,
                                               std::string value, int flags) {
    int error = EIO;
    const std::uint64_t number = link_.fids().qid(fid).path;
    cache_.changed(number);
    for (int tried = 0; tried < tries; ++tried) {
        if (link_.fids().is_dead(fid)) co_return ESTALE;
        const std::uint64_t connection = link_.connections();
        const std::uint32_t scratch = link_.fids().free_number();
        link_.fids().know(scratch, {}, {});
        Answer answer = co_await walk(call, fid, scratch, std::string());
        error = error_of<Rwalk>(answer);
        if (error == 0) {
            Body create_request =
                Txattrcreate{scratch, name, value.size(), static_cast<std::uint32_t>(flags)};
            answer = co_await ask(call, std::move(create_request));
            error = error_of<Rxattrcreate>(answer);
        }
        for (std::size_t done = 0; error == 0 && done < value.size();) {
            Twrite write{scratch, done, {value.substr(done, link_.data_bytes())}};
            answer = co_await ask(call, std::move(write));
            error = error_of<Rwrite>(answer);
            const std::uint32_t count = error == 0 ? std::get<Rwrite>(answer.body).count : 0;
            if (error == 0 && count == 0) error = EIO;
            done += count;
        }
        if (error == 0) {  // the value is set when its fid is clunked
            Body clunk_request = Tclunk{scratch};
            answer = co_await ask(call, std::move(clunk_request));
            error = error_of<Rclunk>(answer);
            link_.fids().erase(scratch);
        } else {
            link_.forget(scratch);
        }
        cache_.changed(number);
        // What is found done already was done by a try before whose answer was lost.
        if (tried > 0 && (error == EEXIST || error == ENODATA)) co_return 0;
        if (error != EBADF || link_.connections() == connection) break;
    }
    co_return error;
}

}  // namespace understudy::files
