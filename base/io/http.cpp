// SPDX-License-Identifier: Apache-2.0
#include "base/io/http.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/un.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/io/as_result.hpp"

namespace understudy::io {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

// Over TCP or a Unix socket alike: what reads and writes HTTP is compiled once.
using Stream = beast::basic_stream<asio::generic::stream_protocol>;

constexpr std::size_t longest_unix_path = sizeof(sockaddr_un::sun_path);

// An idle keep-alive connection is closed after this; a peer that sends a request byte by byte too.
constexpr auto server_idle_limit = std::chrono::seconds(60);

http::response<http::string_body> to_beast(HttpResponse response, unsigned version, bool keep_alive) {
    http::response<http::string_body> message(static_cast<http::status>(response.status), version);
    message.set(http::field::content_type, response.content_type);
    message.keep_alive(keep_alive);
    message.body() = std::move(response.body);
    message.prepare_payload();
    return message;
}

asio::awaitable<HttpResponse> answer(const HttpHandler& handler, HttpRequest request) {
    try {
        co_return co_await handler(std::move(request));
    } catch (const std::exception& failure) {
        spdlog::error("request handler: {}", failure.what());
    }
    HttpResponse failed{500, "internal error\n", "text/plain"};
    co_return failed;
}

void send_at_once(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
}
void send_at_once(local::socket&) {}  // a Unix socket always does

asio::awaitable<void> serve_connection(Stream stream, const HttpHandler& handler) {
    boost::system::error_code ignored;
    beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(max_body_bytes);
        stream.expires_after(server_idle_limit);
        auto [failure, size] = co_await http::async_read(stream, buffer, parser, as_result);
        if (failure == http::error::end_of_stream || failure == beast::error::timeout) break;
        const bool readable = !failure;
        if (!readable && failure.category() != http::make_error_code(http::error::bad_method).category())
            co_return;
        auto& message = parser.get();
        const unsigned version = readable ? message.version() : 11;
        keep_alive = readable && message.keep_alive();
        HttpResponse response{400, "bad request: " + failure.message() + "\n", "text/plain"};
        if (readable) {
            // Named, not a temporary: g++ 12 destroys a braced temporary in an awaited call twice.
            HttpRequest request{std::string(message.method_string()), std::string(message.target()),
                                std::move(message.body()), std::string(message[http::field::content_type])};
            response = co_await answer(handler, std::move(request));
        }
        auto reply = to_beast(std::move(response), version, keep_alive);
        auto [write_failure, written] = co_await http::async_write(stream, reply, as_result);
        if (write_failure) co_return;
    }
    stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

Error step_failed(const std::string& subject, const char* step, const boost::system::error_code& failure,
                  Duration timeout) {
    if (failure == beast::error::timeout || failure == asio::error::operation_aborted)
        return Error(ErrorKind::timeout, subject,
                     fmt::format("{} took longer than {}", step, format_duration(timeout)));
    return Error(ErrorKind::failed, subject, fmt::format("{} failed: {}", step, failure.message()))
        .with_number(failure.value());
}

template <typename Protocol>
asio::awaitable<void> serve(asio::basic_socket_acceptor<Protocol, asio::any_io_executor>& acceptor,
                            HttpHandler handler, std::size_t max_connections) {
    const auto shared = std::make_shared<HttpHandler>(std::move(handler));
    const auto open = std::make_shared<std::size_t>(0);
    const auto executor = co_await asio::this_coro::executor;
    while (acceptor.is_open()) {
        auto [failure, socket] = co_await acceptor.async_accept(as_result);
        if (failure == asio::error::operation_aborted || failure == asio::error::bad_descriptor) co_return;
        if (failure) {  // out of descriptors, mostly: wait for some to be closed rather than spin
            asio::steady_timer pause(executor, std::chrono::milliseconds(50));
            co_await pause.async_wait(as_result);
            continue;
        }
        if (*open >= max_connections) continue;
        send_at_once(socket);
        ++*open;
        asio::co_spawn(
            executor,
            [](Stream peer, std::shared_ptr<HttpHandler> held,
               std::shared_ptr<std::size_t> count) -> asio::awaitable<void> {
                co_await serve_connection(std::move(peer), *held);
                --*count;
            }(Stream(asio::generic::stream_protocol::socket(std::move(socket))), shared, open),
            asio::detached);
    }
}

// The request over a stream that is connected; `host` is what it is told it is.
asio::awaitable<Result<HttpResponse>> exchange(Stream& stream, HttpRequest request, std::string host,
                                               std::string subject, Duration timeout) {
    http::request<http::string_body> message(http::string_to_verb(request.method), request.target, 11,
                                             std::move(request.body));
    message.set(http::field::host, host);
    message.set(http::field::content_type, request.content_type);
    message.keep_alive(false);
    message.prepare_payload();
    auto [write_failure, written] = co_await http::async_write(stream, message, as_result);
    if (write_failure) co_return step_failed(subject, "request", write_failure, timeout);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(max_body_bytes);
    auto [read_failure, size] = co_await http::async_read(stream, buffer, parser, as_result);
    if (read_failure) co_return step_failed(subject, "response", read_failure, timeout);
    auto& reply = parser.get();
    boost::system::error_code ignored;
    stream.socket().shutdown(asio::socket_base::shutdown_both, ignored);
    HttpResponse response{static_cast<int>(reply.result_int()), std::move(reply.body()),
                          std::string(reply[http::field::content_type])};
    co_return response;
}

}  // namespace

asio::awaitable<void> serve_http(tcp::acceptor& acceptor, HttpHandler handler, std::size_t max_connections) {
    return serve<tcp>(acceptor, std::move(handler), max_connections);
}

asio::awaitable<void> serve_http(local::acceptor& acceptor, HttpHandler handler,
                                 std::size_t max_connections) {
    return serve<local>(acceptor, std::move(handler), max_connections);
}

asio::awaitable<Result<HttpResponse>> http_request(std::string host, std::uint16_t port, HttpRequest request,
                                                   Duration timeout) {
    const auto executor = co_await asio::this_coro::executor;
    const std::string subject = fmt::format("{} http://{}:{}{}", request.method, host, port, request.target);
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    tcp::resolver resolver(executor);
    asio::steady_timer limit(executor, deadline);
    limit.async_wait([&resolver](const boost::system::error_code& failure) {
        if (!failure) resolver.cancel();
    });
    beast::tcp_stream connecting(executor);
    connecting.expires_at(deadline);
    auto [resolve_failure, endpoints] = co_await resolver.async_resolve(
        host, std::to_string(port), tcp::resolver::numeric_service, as_result);
    limit.cancel();
    if (resolve_failure) co_return step_failed(subject, "name look-up", resolve_failure, timeout);
    auto [connect_failure, endpoint] = co_await connecting.async_connect(endpoints, as_result);
    if (connect_failure) co_return step_failed(subject, "connect", connect_failure, timeout);
    send_at_once(connecting.socket());
    Stream stream{asio::generic::stream_protocol::socket(connecting.release_socket())};
    stream.expires_at(deadline);
    std::string authority = fmt::format("{}:{}", host, port);
    co_return co_await exchange(stream, std::move(request), std::move(authority), subject, timeout);
}

asio::awaitable<Result<HttpResponse>> http_request_unix(std::string path, HttpRequest request,
                                                        Duration timeout) {
    const auto executor = co_await asio::this_coro::executor;
    const std::string subject = fmt::format("{} {} at {}", request.method, request.target, path);
    if (path.size() >= longest_unix_path)
        co_return Error(ErrorKind::bad_input, path, "is too long for a socket's path")
            .with_number(static_cast<std::int64_t>(path.size()));
    Stream stream(executor);
    stream.expires_after(timeout);
    const asio::generic::stream_protocol::endpoint endpoint{local::endpoint(path)};
    auto [failure] = co_await stream.async_connect(endpoint, as_result);
    if (failure) co_return step_failed(subject, "connect", failure, timeout);
    std::string host = "localhost";
    co_return co_await exchange(stream, std::move(request), std::move(host), subject, timeout);
}

Result<tcp::acceptor> listen_tcp(asio::any_io_executor executor, const tcp::endpoint& endpoint) {
    const std::string subject = fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
    tcp::acceptor acceptor(executor);
    boost::system::error_code failure;
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
        return Error(ErrorKind::environment, subject, "cannot listen: " + failure.message())
            .with_number(failure.value());
    return acceptor;
}

}  // namespace understudy::io
