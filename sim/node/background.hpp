// SPDX-License-Identifier: Apache-2.0
// A coroutine that runs beside the one that started it: it begins when the object is made, and result() waits
// for it and hands its result over, once. A Background that goes unasked lets its coroutine run on, and its
// result is dropped. Threads: one single-threaded executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "sim/node/worker.hpp"

namespace understudy::node {

template <typename T>
class Background {
  public:
    Background(const asio::any_io_executor& executor, asio::awaitable<Result<T>> job)
        : state_(std::make_shared<State>(executor)) {
        asio::co_spawn(executor, run(state_, std::move(job)), asio::detached);
    }

    asio::awaitable<Result<T>> result() {
        while (!state_->result) co_await state_->done.async_wait(as_result);
        co_return std::move(*state_->result);
    }

  private:
    struct State {
        explicit State(const asio::any_io_executor& executor)
            : done(executor, asio::steady_timer::time_point::max()) {}
        asio::steady_timer done;
        std::optional<Result<T>> result;
    };

    static asio::awaitable<void> run(std::shared_ptr<State> state, asio::awaitable<Result<T>> job) {
        Result<T> result = co_await std::move(job);
        state->result.emplace(std::move(result));
        state->done.cancel();
    }

    std::shared_ptr<State> state_;
};

}  // namespace understudy::node
