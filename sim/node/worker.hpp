// SPDX-License-Identifier: Apache-2.0
// One thread that does what blocks (libpq, files on the share), one job after another, for a coroutine that
// waits without blocking its own thread. run() hands the job over and resumes with its result, or with a
// timeout error when `limit` passes first; the job then goes on by itself and its result is dropped, so a job
// owns what it uses. The destructor waits for the job under way: a program with a job stuck in the kernel
// ends by _exit instead. Threads: run() on one single-threaded executor; jobs on the worker's own thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/io/as_result.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::node {

namespace asio = boost::asio;
using io::as_result;

class Worker {
  public:
    explicit Worker(std::string subject);  // names it in timeout errors: "share", "database"
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    template <typename T>
    asio::awaitable<Result<T>> run(std::function<Result<T>()> job, Duration limit = unlimited);

    static constexpr Duration unlimited = std::chrono::hours(24 * 365);

  private:
    void submit(std::function<void()> job);
    void work();
    Error timed_out(Duration limit) const;

    std::string subject_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool ending_ = false;
    std::thread thread_;
};

template <typename T>
asio::awaitable<Result<T>> Worker::run(std::function<Result<T>()> job, Duration limit) {
    struct Waiting {
        explicit Waiting(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        std::optional<Result<T>> result;
    };
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto waiting = std::make_shared<Waiting>(executor);
    waiting->timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    submit([waiting, executor, job = std::move(job)]() mutable {
        Result<T> result = job();
        // The timer is the executor's own: only touched there.
        asio::post(executor, [waiting = std::move(waiting), result = std::move(result)]() mutable {
            waiting->result = std::move(result);
            waiting->timer.cancel();
        });
    });
    co_await waiting->timer.async_wait(as_result);
    if (!waiting->result) co_return timed_out(limit);
    co_return std::move(*waiting->result);
}

}  // namespace understudy::node
