// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/control_server.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "base/io/as_result.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using io::as_result;
constexpr std::size_t longest_request = 1 << 20;

asio::awaitable<void> serve_connection(std::shared_ptr<ControlConnection> connection,
                                       std::shared_ptr<ControlHandler> handler) {
    while (auto request = co_await connection->read()) co_await (*handler)(connection, std::move(*request));
    connection->close();
}

}  // namespace

asio::awaitable<bool> ControlConnection::write(json::object line) {
    const std::string bytes = json::serialize(line) + "\n";
    auto [failure, size] = co_await asio::async_write(socket_, asio::buffer(bytes), as_result);
    co_return !failure;
}

asio::awaitable<std::optional<json::object>> ControlConnection::read() {
    auto [failure, size] = co_await asio::async_read_until(
        socket_, asio::dynamic_buffer(buffer_, longest_request), '\n', as_result);
    if (failure) co_return std::nullopt;
    boost::system::error_code malformed;
    json::value value = json::parse(json::string_view(buffer_.data(), size), malformed);
    buffer_.erase(0, size);
    if (malformed || !value.is_object()) co_return std::nullopt;
    co_return std::move(value.get_object());
}

void ControlConnection::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

Result<stream_protocol::acceptor> listen_control(asio::any_io_executor executor, const std::string& path) {
    stream_protocol::acceptor acceptor(executor);
    boost::system::error_code failure;
    acceptor.open(stream_protocol(), failure);
    if (!failure) acceptor.bind(stream_protocol::endpoint(path), failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
        return Error(ErrorKind::environment, path, "cannot listen: " + failure.message())
            .with_number(failure.value());
    ::chmod(path.c_str(), 0600);
    return acceptor;
}

asio::awaitable<void> serve_control(stream_protocol::acceptor& acceptor, ControlHandler handler) {
    const auto shared = std::make_shared<ControlHandler>(std::move(handler));
    while (acceptor.is_open()) {
        auto [failure, socket] = co_await acceptor.async_accept(as_result);
        if (failure == asio::error::operation_aborted) co_return;
        if (failure) {
            spdlog::error("control socket: accept: {}", failure.message());
            co_return;
        }
        auto connection = std::make_shared<ControlConnection>(std::move(socket));
        asio::co_spawn(co_await asio::this_coro::executor, serve_connection(std::move(connection), shared),
                       asio::detached);
    }
}

}  // namespace understudy::lab
