// SPDX-License-Identifier: Apache-2.0
// One FUSE request: answered exactly once. When the kernel interrupts it (a signal, a process being killed),
// it is answered EINTR: at once where the operation said what to do then (a lock that is waited for) or the
// server is away, else after 250 ms, so that what is on its way can still be answered truly. The operation
// may then still be running; it sees `answered` and undoes what its caller will never hear of (a lock, an
// open file). One thread (the executor's).
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace understudy::files {

// What a lookup was told, for the request that the same thread makes next.
struct RecentStatus {
    fuse_ino_t inode = 0;
    struct stat status = {};
    Instant when{};
};
struct RecentStatuses {
    fuse_ino_t folder = 0;  // in which was looked
    std::vector<RecentStatus> seen;
};

double seconds(Duration duration);  // as libfuse wants it

class FuseCall : public std::enable_shared_from_this<FuseCall> {
  public:
    // `may_still_be_answered` says whether an interrupted request is worth waiting for.
    static std::shared_ptr<FuseCall> make(fuse_req_t request, boost::asio::any_io_executor executor,
                                          std::function<bool()> may_still_be_answered);

    // Each returns whether the kernel took the answer: false when it was given up before.
    bool error(int error_number);
    bool ok() { return error(0); }
    bool entry(const fuse_entry_param& entry);
    // For so long the kernel needn't ask again.
    bool attributes(const struct stat& status, Duration validity);
    bool created(const fuse_entry_param& entry, const fuse_file_info& file);
    bool opened(const fuse_file_info& file);
    bool data(const std::string& bytes);
    bool size(std::size_t bytes);  // of an extended attribute
    bool written(std::size_t count);
    bool link_target(const std::string& target);
    bool status(const struct statvfs& status);
    bool lock(const struct flock& lock);

    fuse_req_t request() const { return request_; }
    std::shared_ptr<const bool> answered() const { return answered_; }
    bool was_answered() const { return *answered_; }
    pid_t thread() const { return fuse_req_ctx(request_)->pid; }

    RecentStatuses recent;

    // Called once, right after an interrupted request was answered. Nothing when it never is.
    void when_interrupted(std::function<void()> action) { when_interrupted_ = std::move(action); }
    // For waiting between two tries: over at once when the request is answered.
    boost::asio::steady_timer& timer() { return timer_; }

  private:
    FuseCall(fuse_req_t request, boost::asio::any_io_executor executor,
             std::function<bool()> may_still_be_answered)
        : request_(request),
          timer_(executor),
          grace_(executor),
          may_still_be_answered_(may_still_be_answered) {}
    void interrupted();
    template <typename Reply>
    bool answer(Reply reply);

    fuse_req_t request_;
    std::shared_ptr<bool> answered_ = std::make_shared<bool>(false);
    boost::asio::steady_timer timer_, grace_;
    std::function<bool()> may_still_be_answered_;
    std::function<void()> when_interrupted_;
};

}  // namespace understudy::files
