// SPDX-License-Identifier: Apache-2.0
// Talks to the kernel over a mounted /dev/fuse: takes requests until it was unmounted. libfuse decodes and
// encodes; reading and writing the descriptor is done here, because libfuse 3.14 has no name for what the
// first answer must ask for (FUSE_INIT): that files opened past the page cache may be mapped shared, which
// Linux 6.6 and later offer (FUSE_DIRECT_IO_ALLOW_MMAP). One thread (the executor's).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {

class FuseSession : public KernelCache {
  public:
    // `descriptor` is not owned, and not blocking. Error kind environment where libfuse refuses it.
    static Result<std::unique_ptr<FuseSession>> make(int descriptor, Filesystem& filesystem);
    ~FuseSession() override;
    FuseSession(const FuseSession&) = delete;
    FuseSession& operator=(const FuseSession&) = delete;

    // Ends when the file system was unmounted.
    boost::asio::awaitable<void> take_requests(boost::asio::any_io_executor executor);

    // By FUSE_NOTIFY_INC_EPOCH, Linux 6.16 and later, of which libfuse 3.14 knows nothing. What older kernels
    // offer for one name waits for its folder's lock, which may be held by a request that waits for the
    // server.
    bool forget_names() override;
    void forget_attributes(fuse_ino_t inode) override;

    Filesystem& filesystem() { return filesystem_; }

  private:
    explicit FuseSession(Filesystem& filesystem) : filesystem_(filesystem) {}
    static ssize_t read(int descriptor, void* buffer, size_t size, void* self);
    static ssize_t write(int descriptor, iovec* parts, int count, void* self);

    Filesystem& filesystem_;
    fuse_session* session_ = nullptr;
    fuse_buf buffer_ = {};  // libfuse allocates into it
    int descriptor_ = -1;
    std::uint64_t init_request_ = 0;  // its number, when it offers shared mappings
};

}  // namespace understudy::files
