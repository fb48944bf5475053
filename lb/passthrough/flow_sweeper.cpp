// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/flow_sweeper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/io/unique_fd.hpp"
#include "lb/passthrough/conntrack.hpp"

namespace understudy::lb {

class FlowSweeper::Thread {
  public:
    Thread(Conntrack conntrack, io::UniqueFd flow_count)
        : conntrack_(std::move(conntrack)), flow_count_(std::move(flow_count)) {}

    void every(Duration period) {
        const std::lock_guard lock(mutex_);
        if (period == period_) return;
        period_ = period;
        if (thread_.joinable())
            changed_.notify_one();
        else
            thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

  private:
    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            const Duration period = period_;
            if (changed_.wait_for(lock, stop, period, [&] { return period_ != period; })) continue;
            if (stop.stop_requested()) return;
            lock.unlock();
            if (any_flow()) static_cast<void>(conntrack_.sweep());
            lock.lock();
        }
    }

    // Also where the kernel doesn't say.
    bool any_flow() const {
        char first = 0;
        return ::pread(flow_count_.get(), &first, 1, 0) != 1 || first != '0';
    }

    Conntrack conntrack_;  // of thread_
    io::UniqueFd flow_count_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    Duration period_{};
    std::jthread thread_;  // the last: it ends before what it uses
};

FlowSweeper::FlowSweeper(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
FlowSweeper::FlowSweeper(FlowSweeper&&) noexcept = default;
FlowSweeper& FlowSweeper::operator=(FlowSweeper&&) noexcept = default;
FlowSweeper::~FlowSweeper() = default;

Result<FlowSweeper> FlowSweeper::open() {
    UNDERSTUDY_TRY(Conntrack conntrack, Conntrack::open());
    io::UniqueFd flow_count(::open("/proc/sys/net/netfilter/nf_conntrack_count", O_RDONLY | O_CLOEXEC));
    return FlowSweeper(std::make_unique<Thread>(std::move(conntrack), std::move(flow_count)));
}

void FlowSweeper::every(Duration period) {
    thread_->every(period);
}

}  // namespace understudy::lb
