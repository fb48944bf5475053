// SPDX-License-Identifier: Apache-2.0
// The supervisor's end of the control socket (protocol: control_client.hpp). Each connection is a coroutine
// that reads a request, has the handler answer it, and goes on until the peer closes. A handler that streams
// writes to the connection itself. The socket's folder has mode 0700: whoever can open it owns the region.
// One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace understudy::lab {

class ControlConnection {
  public:
    explicit ControlConnection(boost::asio::local::stream_protocol::socket socket)
        : socket_(std::move(socket)) {}

    boost::asio::awaitable<bool> write(json::object line);       // false: the peer is gone
    boost::asio::awaitable<std::optional<json::object>> read();  // nothing: closed, or not a JSON object
    void close();
    boost::asio::any_io_executor executor() { return socket_.get_executor(); }

  private:
    boost::asio::local::stream_protocol::socket socket_;
    std::string buffer_;
};

using ControlHandler =
    std::function<boost::asio::awaitable<void>(std::shared_ptr<ControlConnection>, json::object request)>;

// Binds `path` (mode 0600), then serves until the acceptor is closed.
Result<boost::asio::local::stream_protocol::acceptor> listen_control(boost::asio::any_io_executor executor,
                                                                     const std::string& path);
boost::asio::awaitable<void> serve_control(boost::asio::local::stream_protocol::acceptor& acceptor,
                                           ControlHandler handler);

}  // namespace understudy::lab
