// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "base/io/clock.hpp"
#include "base/io/http.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t scratch_bytes = 64 * 1024;

Error with_remedy(Error error, const Rule& rule) {
    error.subject = fmt::format("rule '{}': {}", rule.name, error.subject);
    switch (error.number.value_or(0)) {
        case EADDRINUSE:
            error.remedy = fmt::format("end what listens there (ss -ltnp 'sport = :{}')", rule.frontend_port);
            break;
        case EACCES:
            error.remedy = "ports below 1024 need root or CAP_NET_BIND_SERVICE";
            break;
        case EADDRNOTAVAIL:
            error.remedy = "the frontend address must be on an interface of this machine";
            break;
        default:
            break;
    }
    return error;
}

}  // namespace

Proxy::Proxy(asio::any_io_executor executor, const Config& config, Route route, AttemptFailed attempt_failed)
    : executor_(std::move(executor)),
      config_(config),
      route_(std::move(route)),
      attempt_failed_(std::move(attempt_failed)),
      idle_timer_(executor_),
      scratch_(scratch_bytes) {}

Result<void> Proxy::listen() {
    for (const Rule& rule : config_.rules) {
        auto acceptor = io::listen_tcp(executor_, to_asio({config_.frontend, rule.frontend_port}));
        if (acceptor.has_error()) return with_remedy(acceptor.error(), rule);
        acceptors_.push_back(std::move(*acceptor));
    }
    return {};
}

void Proxy::serve() {
    for (std::size_t rule = 0; rule < acceptors_.size(); ++rule)
        asio::co_spawn(executor_, accept(shared_from_this(), rule), asio::detached);
    asio::co_spawn(executor_, end_idle(shared_from_this()), asio::detached);
}

void Proxy::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    for (tcp::acceptor& acceptor : acceptors_) acceptor.close(ignored);
    idle_timer_.cancel();
    for (const auto& [id, connection] : std::exchange(connections_, {})) connection->reset();
}

void Proxy::backend_down(std::size_t rule, std::size_t backend) {
    const bool reset_established = config_.on_backend_down == OnBackendDown::reset;
    for (const auto& [id, connection] : connections_) {
        if (connection->rule() != rule || connection->backend() != backend) continue;
        if (connection->established() && reset_established) ++counters_.reset_backend_down;
        connection->backend_down(reset_established);
    }
}

asio::awaitable<void> Proxy::accept(std::shared_ptr<Proxy> self, std::size_t rule) {
    while (!self->stopped_) {
        auto [failure, socket] = co_await self->acceptors_[rule].async_accept(as_result);
        if (self->stopped_) co_return;
        if (failure == asio::error::connection_aborted) continue;
        if (failure) {  // out of descriptors or memory, mostly: wait for some to be given back rather than
                        // spin
            asio::steady_timer pause(self->executor_, std::chrono::milliseconds(50));
            co_await pause.async_wait(as_result);
            continue;
        }
        self->admit(rule, std::move(socket));
    }
}

void Proxy::admit(std::size_t rule, tcp::socket socket) {
    ++counters_.accepted;
    boost::system::error_code failure;
    const auto client = socket.remote_endpoint(failure);
    if (failure) return;  // gone already
    if (connections_.size() >= static_cast<std::size_t>(config_.max_connections)) {
        ++counters_.refused_over_limit;
        close_with_reset(socket);
        return;
    }
    const std::uint64_t id = next_id_++;
    const auto connection = std::make_shared<ProxyConnection>(
        id, rule, from_asio(client), Endpoint{config_.frontend, config_.rules[rule].frontend_port},
        std::move(socket), ConnectionLimits{config_.connect_timeout, config_.dead_peer_timeout},
        std::shared_ptr<ConnectionOwner>(shared_from_this(), this));
    connections_.emplace(id, connection);
    asio::co_spawn(executor_, ProxyConnection::run(connection), asio::detached);
}

asio::awaitable<void> Proxy::end_idle(std::shared_ptr<Proxy> self) {
    Duration shortest = 1min;
    for (const Rule& rule : self->config_.rules) shortest = std::min(shortest, rule.idle_timeout);
    const auto pause = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::clamp<Duration>(shortest / 8, 10ms, 1s));
    while (!self->stopped_) {
        self->idle_timer_.expires_after(pause);
        co_await self->idle_timer_.async_wait(as_result);
        const Instant now = io::monotonic_now();
        for (const auto& [id, connection] : self->connections_) {
            const Duration idle = self->config_.rules[connection->rule()].idle_timeout;
            if (!connection->established() || now - connection->last_activity() < idle) continue;
            ++self->counters_.idle_timeouts;
            connection->reset();
        }
    }
}

std::optional<std::size_t> Proxy::backend_for(const ProxyConnection& connection) {
    return route_(connection.rule(), FlowKey{connection.client(), connection.frontend()}, connection.tried());
}

Endpoint Proxy::target_of(std::size_t rule, std::size_t backend) const {
    return {config_.backends[backend].address, config_.rules[rule].backend_port};
}

void Proxy::attempt_failed(const ProxyConnection& connection, std::size_t backend,
                           const std::string& reason) {
    ++counters_.failed_attempts;
    attempt_failed_(connection.rule(), backend, connection.client(), reason);
}

void Proxy::gave_up(const ProxyConnection&) {
    ++counters_.refused_no_backend;
}

void Proxy::ended(const ProxyConnection& connection) {
    connections_.erase(connection.id());
}

}  // namespace understudy::lb
