// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/run_all.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace understudy::lab {

namespace asio = boost::asio;

namespace {

struct Running {
    Running(const asio::any_io_executor& executor, std::size_t jobs)
        : left(jobs), done(executor, asio::steady_timer::time_point::max()) {}
    std::size_t left;
    std::optional<Error> failed;
    asio::steady_timer done;
};

asio::awaitable<void> run(std::shared_ptr<Running> running, asio::awaitable<Result<void>> job) {
    const Result<void> result = co_await std::move(job);
    if (result.has_error() && !running->failed) running->failed = result.error();
    if (--running->left == 0) running->done.cancel();
}

}  // namespace

asio::awaitable<Result<void>> run_all(asio::any_io_executor executor,
                                      std::vector<asio::awaitable<Result<void>>> jobs) {
    const auto running = std::make_shared<Running>(executor, jobs.size());
    for (auto& job : jobs) asio::co_spawn(executor, run(running, std::move(job)), asio::detached);
    while (running->left > 0) co_await running->done.async_wait(asio::as_tuple(asio::use_awaitable));
    if (running->failed) co_return *running->failed;
    co_return Result<void>();
}

}  // namespace understudy::lab
