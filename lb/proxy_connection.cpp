// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy_connection.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/io/clock.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// After so many buffers in a row one connection lets the others have their turn.
constexpr int turns_before_yield = 16;

void set_number(tcp::socket& socket, int level, int option, std::int64_t value) {
    const int number = static_cast<int>(std::clamp<std::int64_t>(value, 1, 2'000'000'000));
    // Best effort: without the option a dead peer is found later, by the idle timeout.
    ::setsockopt(socket.native_handle(), level, option, &number, sizeof number);
}

// An idle peer that has vanished is found within about `limit`: half of it quiet, then four questions.
void keep_alive(tcp::socket& socket, Duration limit) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
    set_number(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_number(socket, IPPROTO_TCP, TCP_KEEPIDLE, std::min<std::int64_t>(seconds / 2, 32'767));
    set_number(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::min<std::int64_t>(seconds / 8, 32'767));
    set_number(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

ProxyConnection::ProxyConnection(std::uint64_t id, std::size_t rule, Endpoint client, Endpoint frontend,
                                 tcp::socket socket, ConnectionLimits limits,
                                 std::shared_ptr<ConnectionOwner> owner)
    : id_(id),
      rule_(rule),
      client_endpoint_(client),
      frontend_(frontend),
      client_(std::move(socket)),
      server_(client_.get_executor()),
      limits_(limits),
      owner_(std::move(owner)),
      last_activity_(io::monotonic_now()) {}

asio::awaitable<void> ProxyConnection::run(std::shared_ptr<ProxyConnection> self) {
    const bool connected = co_await self->connect();
    if (!connected || self->reset_) {
        if (!self->reset_) self->owner_->gave_up(*self);
        self->reset();
        self->owner_->ended(*self);
        co_return;
    }
    self->established_ = true;
    self->last_activity_ = io::monotonic_now();
    self->set_options();
    self->open_directions_ = 2;
    asio::co_spawn(self->client_.get_executor(), copy(self, self->client_, self->server_), asio::detached);
    co_await copy(self, self->server_, self->client_);
}

asio::awaitable<bool> ProxyConnection::connect() {
    while (!reset_) {
        backend_ = owner_->backend_for(*this);
        if (!backend_) co_return false;
        const std::size_t backend = *backend_;
        const Endpoint target = owner_->target_of(rule_, backend);
        const Instant started = io::monotonic_now();
        server_ = Socket(client_.get_executor());
        backend_lost_ = false;
        const auto failure = co_await connect_within(server_, target, std::nullopt, limits_.connect_timeout);
        if (reset_) co_return false;
        // The backend may have gone down after it had answered: then nothing would ever reset this
        // connection.
        if (!failure && !backend_lost_) co_return true;
        tried_.push_back(backend);
        boost::system::error_code ignored;
        server_.close(ignored);
        owner_->attempt_failed(*this, backend,
                               fmt::format("connect to {} {} after {}", to_string(target),
                                           failure ? words_for(failure) : "answered, but is down",
                                           format_latency(io::monotonic_now() - started)));
    }
    co_return false;
}

void ProxyConnection::set_options() {
    boost::system::error_code ignored;
    for (tcp::socket* socket : {&client_, &server_}) {
        socket->non_blocking(true, ignored);
        socket->set_option(tcp::no_delay(true), ignored);
        keep_alive(*socket, limits_.dead_peer_timeout);
    }
    // Only towards the backend: on Linux this also ends a connection whose receiver keeps its window shut for
    // so long, which a slow client may.
    set_number(server_, IPPROTO_TCP, TCP_USER_TIMEOUT,
               std::chrono::duration_cast<std::chrono::milliseconds>(limits_.dead_peer_timeout).count());
}

void ProxyConnection::reset() {
    reset_ = true;
    close_with_reset(client_);
    close_with_reset(server_);
}

void ProxyConnection::backend_down(bool reset_established) {
    boost::system::error_code ignored;
    if (!established_) {
        backend_lost_ = true;
        server_.cancel(ignored);
    } else if (reset_established) {
        reset();
    }
}

asio::awaitable<void> ProxyConnection::copy(std::shared_ptr<ProxyConnection> self, Socket& from, Socket& to) {
    const bool in_order = co_await self->copy_until_end(from, to);
    if (!in_order) self->reset();
    self->direction_ended();
}

// True when `from` has ended in order and `to` was told; false when either side failed.
asio::awaitable<bool> ProxyConnection::copy_until_end(Socket& from, Socket& to) {
    boost::system::error_code failure;
    for (int turn = 1;; ++turn) {
        std::vector<char>& buffer = owner_->scratch();
        const std::size_t size = from.read_some(asio::buffer(buffer), failure);
        if (failure == asio::error::eof) break;
        if (failure == asio::error::would_block) {
            turn = 0;
            auto [wait_failure] = co_await from.async_wait(tcp::socket::wait_read, as_result);
            if (wait_failure) co_return false;
            continue;
        }
        if (failure) co_return false;
        last_activity_ = io::monotonic_now();
        std::size_t written = to.write_some(asio::buffer(buffer.data(), size), failure);
        if (failure && failure != asio::error::would_block) co_return false;
        if (written < size) {
            // The receiver is full: these bytes wait in a buffer of their own, for as long as they must.
            std::vector<char> rest(buffer.begin() + static_cast<std::ptrdiff_t>(written),
                                   buffer.begin() + static_cast<std::ptrdiff_t>(size));
            for (std::size_t at = 0; at < rest.size();) {
                auto [write_failure, more] =
                    co_await to.async_write_some(asio::buffer(rest.data() + at, rest.size() - at), as_result);
                if (write_failure) co_return false;
                at += more;
                last_activity_ = io::monotonic_now();
            }
            turn = 0;
        }
        if (turn == turns_before_yield) {
            turn = 0;
            co_await asio::post(asio::use_awaitable);
        }
    }
    to.shutdown(tcp::socket::shutdown_send, failure);
    co_return !failure || failure == asio::error::not_connected;
}

void ProxyConnection::direction_ended() {
    if (--open_directions_ > 0) return;
    boost::system::error_code ignored;
    client_.close(ignored);
    server_.close(ignored);
    owner_->ended(*this);
}

}  // namespace understudy::lb
