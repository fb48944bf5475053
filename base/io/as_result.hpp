// SPDX-License-Identifier: Apache-2.0
// Awaiting with it gives an operation's error code as part of its result: co_await
// timer.async_wait(as_result).
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace understudy::io {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace understudy::io
