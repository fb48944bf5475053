// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/fuse_session.hpp"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace understudy::files {
namespace asio = boost::asio;

namespace {

// FUSE_DIRECT_IO_ALLOW_MMAP, bit 36 of the flags, whose upper half is `flags2`. Linux 6.6, include/uapi.
constexpr std::uint32_t direct_io_allow_mmap = 1U << 4;
constexpr std::int32_t notify_inc_epoch = 8;  // FUSE_NOTIFY_INC_EPOCH. Linux 6.16, include/uapi.

}  // namespace

Result<std::unique_ptr<FuseSession>> FuseSession::make(int descriptor, Filesystem& filesystem) {
    std::unique_ptr<FuseSession> made(new FuseSession(filesystem));
    std::string name = "understudy-mount";
    std::array<char*, 2> arguments = {name.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
    made->session_ = fuse_session_new(&args, &filesystem_operations(), sizeof(fuse_lowlevel_ops), made.get());
    fuse_opt_free_args(&args);
    static const fuse_custom_io io = [] {
        fuse_custom_io calls = {};
        calls.read = &FuseSession::read;
        calls.writev = &FuseSession::write;
        return calls;
    }();
    made->descriptor_ = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);  // libfuse closes it
    if (made->session_ == nullptr || fuse_session_custom_io(made->session_, &io, made->descriptor_) != 0)
        return Error(ErrorKind::environment, "libfuse", "refuses to serve /dev/fuse");
    return made;
}

FuseSession::~FuseSession() {
    if (session_ != nullptr) fuse_session_destroy(session_);
    std::free(buffer_.mem);
}

ssize_t FuseSession::read(int descriptor, void* buffer, size_t size, void* self) {
    const ssize_t count = ::read(descriptor, buffer, size);
    fuse_in_header header = {};
    fuse_init_in init = {};
    if (count < static_cast<ssize_t>(sizeof header)) return count;
    std::memcpy(&header, buffer, sizeof header);
    if (header.opcode != FUSE_INIT || count < static_cast<ssize_t>(sizeof header + sizeof init)) return count;
    std::memcpy(&init, static_cast<const char*>(buffer) + sizeof header, sizeof init);
    if ((init.flags & FUSE_INIT_EXT) != 0 && (init.flags2 & direct_io_allow_mmap) != 0)
        static_cast<FuseSession*>(self)->init_request_ = header.unique;
    return count;
}

ssize_t FuseSession::write(int descriptor, iovec* parts, int count, void* self) {
    auto* session = static_cast<FuseSession*>(self);
    fuse_out_header header = {};
    fuse_init_out init = {};
    if (session->init_request_ != 0 && count == 2 && parts[0].iov_len == sizeof header &&
        parts[1].iov_len == sizeof init) {
        std::memcpy(&header, parts[0].iov_base, sizeof header);
        if (header.unique == session->init_request_ && header.error == 0) {
            std::memcpy(&init, parts[1].iov_base, sizeof init);
            init.flags |= FUSE_INIT_EXT;
            init.flags2 |= direct_io_allow_mmap;
            session->init_request_ = 0;
            const iovec asking[] = {parts[0], {&init, sizeof init}};
            return ::writev(descriptor, asking, 2);
        }
    }
    return ::writev(descriptor, parts, count);
}

bool FuseSession::forget_names() {
    const fuse_out_header notice = {sizeof notice, notify_inc_epoch, 0};
    return ::write(descriptor_, &notice, sizeof notice) == sizeof notice;
}

void FuseSession::forget_attributes(fuse_ino_t inode) {
    fuse_lowlevel_notify_inval_inode(session_, inode, -1, 0);  // none of the file's pages
}

asio::awaitable<void> FuseSession::take_requests(asio::any_io_executor executor) {
    asio::posix::stream_descriptor readable(executor, ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));
    while (!fuse_session_exited(session_)) {
        const int count = fuse_session_receive_buf(session_, &buffer_);
        if (count > 0) {
            fuse_session_process_buf(session_, &buffer_);
        } else if (count == -EINTR) {
            continue;
        } else if (count == -EAGAIN) {
            auto [error] = co_await readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                                        asio::as_tuple(asio::use_awaitable));
            if (error) break;
        } else {
            break;  // unmounted
        }
    }
}

}  // namespace understudy::files
