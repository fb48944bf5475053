// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TCP or a Unix socket as coroutines, so that Beast's weight stays in one translation unit.
// Bodies are strings, at most max_body_bytes. Server: keep-alive, one coroutine a connection, a limit on
// connections. Client: one request a call. Times out as a whole, name look-up included; an Error's reason
// says which step failed and, for a timeout, how long was waited. Threads: everything runs on the executor
// handed in. Rule: RFC 9110, RFC 9112.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::io {

constexpr std::size_t max_body_bytes = 1 << 20;

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";
    std::string body;
    std::string content_type = "application/json";
};

struct HttpResponse {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
};

using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

// Serves until the acceptor is closed. A request that can't be parsed is answered 400 and its connection
// closed; an exception from the handler is answered 500 and logged.
boost::asio::awaitable<void> serve_http(boost::asio::ip::tcp::acceptor& acceptor, HttpHandler handler,
                                        std::size_t max_connections = 1024);
boost::asio::awaitable<void> serve_http(boost::asio::local::stream_protocol::acceptor& acceptor,
                                        HttpHandler handler, std::size_t max_connections = 64);

// One request on a connection of its own. `host` is a name or an address.
boost::asio::awaitable<Result<HttpResponse>> http_request(std::string host, std::uint16_t port,
                                                          HttpRequest request, Duration timeout);
boost::asio::awaitable<Result<HttpResponse>> http_request_unix(std::string path, HttpRequest request,
                                                               Duration timeout);

// Binds and listens with SO_REUSEADDR. Error kind environment, subject the endpoint: a taken port says so.
Result<boost::asio::ip::tcp::acceptor> listen_tcp(boost::asio::any_io_executor executor,
                                                  const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace understudy::io
