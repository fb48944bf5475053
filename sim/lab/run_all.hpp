// SPDX-License-Identifier: Apache-2.0
// Runs coroutines side by side and waits for all of them. The result is the first error, or success. Threads:
// the executor's, one. Each job keeps what it uses alive.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <vector>

#include "base/result.hpp"

namespace understudy::lab {

boost::asio::awaitable<Result<void>> run_all(boost::asio::any_io_executor executor,
                                             std::vector<boost::asio::awaitable<Result<void>>> jobs);

}  // namespace understudy::lab
