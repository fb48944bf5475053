// SPDX-License-Identifier: Apache-2.0
// What coroutines of one thread wait for until another says that something has changed. Waking says nothing
// about what is true: the waiter looks again.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace understudy::files {

class Signal {
  public:
    explicit Signal(boost::asio::any_io_executor executor)
        : never_(executor, boost::asio::steady_timer::time_point::max()) {}

    boost::asio::awaitable<void> wait() {
        co_await never_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    void notify() { never_.cancel(); }  // all that wait now

  private:
    boost::asio::steady_timer never_;
};

}  // namespace understudy::files
