// SPDX-License-Identifier: Apache-2.0
// Work that blocks on the host's disk, as something a coroutine waits for. g++ 12 destroys a closure twice
// that is made inside a co_await expression: make the work before it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "storage/files/core/message.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/session_gate.hpp"

namespace understudy::files {

// Keeps what is posted to it in order.
using FileStrand = boost::asio::strand<boost::asio::thread_pool::executor_type>;

// Runs `operation` (which gives a Body) on the strand; its result, on the waiting coroutine's executor.
template <typename Operation>
boost::asio::awaitable<Body> in_pool(FileStrand strand, Operation operation) {
    namespace asio = boost::asio;
    auto executor = co_await asio::this_coro::executor;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Body)>(
        [](auto handler, asio::any_io_executor back, FileStrand where, Operation work) {
            asio::post(where, [handler = std::move(handler), back, work = std::move(work)]() mutable {
                Body reply = work();
                asio::post(back, [handler = std::move(handler), reply = std::move(reply)]() mutable {
                    std::move(handler)(std::move(reply));
                });
            });
        },
        asio::use_awaitable, executor, std::move(strand), std::move(operation));
}

// The same work, which a closed gate answers with ESTALE instead. Without a gate: the work itself.
template <typename Operation>
auto through(std::shared_ptr<SessionGate> gate, Operation operation) {
    return [gate = std::move(gate), operation = std::move(operation)]() -> Body {
        if (gate == nullptr) return operation();
        const SessionGate::Pass pass(*gate);
        return pass ? operation() : failure(ESTALE);
    };
}

}  // namespace understudy::files
