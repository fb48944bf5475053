// SPDX-License-Identifier: Apache-2.0
// One FUSE request: answered exactly once. When the kernel interrupts it (a signal, a process being killed),
// it is answered EINTR: at once where it waits for a lock or for the server to come back, else after 250 ms,
// so that what is on its way can still be answered truly. The operation may then still be running; it sees
// `answered` and undoes what its caller will never hear of (a lock, an open file). One thread (the
// executor's).
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

namespace understudy::files {

class FuseCall : public std::enable_shared_from_this<FuseCall> {
  public:
    // `may_still_be_answered` says whether an interrupted request is worth waiting for.
    static std::shared_ptr<FuseCall> make(fuse_req_t request, boost::asio::any_io_executor executor,
                                          std::function<bool()> may_still_be_answered);

    // Each returns whether the kernel took the answer: false when it was given up before.
    bool error(int error_number);
    bool ok() { return error(0); }
    bool entry(const fuse_entry_param& entry);
    bool attributes(const struct stat& status);
    bool created(const fuse_entry_param& entry, const fuse_file_info& file);
    bool opened(const fuse_file_info& file);
    bool data(const std::string& bytes);
    bool written(std::size_t count);
    bool link_target(const std::string& target);
    bool status(const struct statvfs& status);
    bool lock(const struct flock& lock);

    fuse_req_t request() const { return request_; }
    std::shared_ptr<const bool> answered() const { return answered_; }
    bool was_answered() const { return *answered_; }

    void waits_for_lock() { waits_for_lock_ = true; }
    // For waiting between two tries: over at once when the request is interrupted.
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
    bool waits_for_lock_ = false;
};

}  // namespace understudy::files
