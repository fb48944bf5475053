// SPDX-License-Identifier: Apache-2.0
#include "sim/node/worker.hpp"

#include <signal.h>

#include <utility>

namespace understudy::node {

Worker::Worker(std::string subject) : subject_(std::move(subject)) {
    // Signals are the main thread's: a worker in a system call isn't interrupted by them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { work(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        jobs_.clear();
    }
    changed_.notify_one();
    thread_.join();
}

void Worker::submit(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void Worker::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (ending_) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

Error Worker::timed_out(Duration limit) const {
    return Error(ErrorKind::timeout, subject_, "did not answer within " + format_duration(limit));
}

}  // namespace understudy::node
