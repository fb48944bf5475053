// SPDX-License-Identifier: Apache-2.0
#include "lb/sockets.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace understudy::lb {

namespace asio = boost::asio;
using asio::ip::tcp;

tcp::endpoint to_asio(Endpoint endpoint) {
    return {asio::ip::address_v4(endpoint.address.bits), endpoint.port};
}

Endpoint from_asio(const tcp::endpoint& endpoint) {
    return {Ipv4Address{endpoint.address().to_v4().to_uint()}, endpoint.port()};
}

void close_with_reset(tcp::socket& socket) {
    boost::system::error_code ignored;
    if (!socket.is_open()) return;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
}

std::string words_for(const boost::system::error_code& failure) {
    if (failure == asio::error::connection_refused) return "refused";
    if (failure == asio::error::timed_out) return "not answered";
    if (failure == asio::error::connection_reset || failure == asio::error::broken_pipe) return "reset";
    if (failure == asio::error::eof) return "closed by the backend";
    if (failure == asio::error::operation_aborted) return "given up";
    return fmt::format("failed ({})", failure.message());
}

std::string format_latency(Duration latency) {
    return fmt::format("{:.3g} ms", to_milliseconds(latency));
}

asio::awaitable<boost::system::error_code> connect_within(tcp::socket& socket, Endpoint target,
                                                          std::optional<Ipv4Address> source, Duration limit) {
    boost::system::error_code failure;
    socket.open(tcp::v4(), failure);
    if (failure) co_return failure;
    if (source) {
        // The port is chosen at connect, by the whole four-tuple: probes must not run out of source ports.
        const int on = 1;
        ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        socket.bind(to_asio({*source, 0}), failure);
        if (failure) co_return failure;
    }
    // The handler may run after this coroutine has gone on: it looks at `waiting` before it touches the
    // socket.
    const auto waiting = std::make_shared<bool>(true);
    const auto expired = std::make_shared<bool>(false);
    asio::steady_timer timer(socket.get_executor(),
                             std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    timer.async_wait([waiting, expired, &socket](const boost::system::error_code& cancelled) {
        if (cancelled || !*waiting) return;
        *expired = true;
        boost::system::error_code ignored;
        socket.cancel(ignored);
    });
    auto [connect_failure] =
        co_await socket.async_connect(to_asio(target), asio::as_tuple(asio::use_awaitable));
    *waiting = false;
    if (connect_failure == asio::error::operation_aborted && *expired) co_return asio::error::timed_out;
    co_return connect_failure;
}

}  // namespace understudy::lb
