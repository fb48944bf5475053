// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/fuse_call.hpp"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace understudy::files {

std::shared_ptr<FuseCall> FuseCall::make(fuse_req_t request, boost::asio::any_io_executor executor,
                                         std::function<bool()> may_still_be_answered) {
    std::shared_ptr<FuseCall> call(new FuseCall(request, executor, std::move(may_still_be_answered)));
    // libfuse forgets the function when the request is answered, and the call lives until then.
    fuse_req_interrupt_func(
        request,
        [](fuse_req_t, void* data) {
            std::weak_ptr<FuseCall> weak = static_cast<FuseCall*>(data)->weak_from_this();
            std::shared_ptr<FuseCall> interrupted = weak.lock();
            if (interrupted == nullptr) return;
            // libfuse holds the request's lock here: answering waits until it doesn't.
            boost::asio::post(interrupted->timer_.get_executor(),
                              [interrupted] { interrupted->interrupted(); });
        },
        call.get());
    return call;
}

void FuseCall::interrupted() {
    if (*answered_) return;
    if (when_interrupted_ || !may_still_be_answered_()) {
        auto action = std::exchange(when_interrupted_, nullptr);
        error(EINTR);
        if (action) action();
        return;
    }
    grace_.expires_after(std::chrono::milliseconds(250));
    grace_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
        if (!cancelled) self->error(EINTR);
    });
}

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

template <typename Reply>
bool FuseCall::answer(Reply reply) {
    if (*answered_) return false;
    *answered_ = true;
    grace_.cancel();
    timer_.cancel();
    when_interrupted_ = nullptr;
    return reply() != -ENOENT;  // ENOENT: the kernel no longer waits
}

bool FuseCall::error(int number) {
    return answer([&] { return fuse_reply_err(request_, number); });
}
bool FuseCall::entry(const fuse_entry_param& entry) {
    return answer([&] { return fuse_reply_entry(request_, &entry); });
}
bool FuseCall::attributes(const struct stat& status, Duration validity) {
    return answer([&] { return fuse_reply_attr(request_, &status, seconds(validity)); });
}
bool FuseCall::created(const fuse_entry_param& entry, const fuse_file_info& file) {
    return answer([&] { return fuse_reply_create(request_, &entry, &file); });
}
bool FuseCall::opened(const fuse_file_info& file) {
    return answer([&] { return fuse_reply_open(request_, &file); });
}
bool FuseCall::data(const std::string& bytes) {
    return answer([&] { return fuse_reply_buf(request_, bytes.data(), bytes.size()); });
}
bool FuseCall::size(std::size_t bytes) {
    return answer([&] { return fuse_reply_xattr(request_, bytes); });
}
bool FuseCall::written(std::size_t count) {
    return answer([&] { return fuse_reply_write(request_, count); });
}
bool FuseCall::link_target(const std::string& target) {
    return answer([&] { return fuse_reply_readlink(request_, target.c_str()); });
}
bool FuseCall::status(const struct statvfs& status) {
    return answer([&] { return fuse_reply_statfs(request_, &status); });
}
bool FuseCall::lock(const struct flock& lock) {
    return answer([&] { return fuse_reply_lock(request_, &lock); });
}

}  // namespace understudy::files
