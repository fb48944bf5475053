// SPDX-License-Identifier: Apache-2.0
#include "lb/prober.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"
#include "lb/core/http_status.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using io::as_result;

// For the backend's half of an orderly close, and no more of what it still sends than this many bytes.
constexpr auto close_limit = std::chrono::seconds(1);
constexpr std::size_t close_bytes_limit = 256 * 1024;

// The backend itself said no, so there is nothing to wait for.
bool is_hard(const boost::system::error_code& failure) {
    return failure == asio::error::connection_refused || failure == asio::error::connection_reset ||
           failure == asio::error::broken_pipe;
}

// The certificate is not verified, whoever signed it and however weak it is: a probe asks whether the backend
// answers, by its address, for which hardly any certificate is made out. Rule: the cloud's HTTPS probes take
// self-signed certificates.
asio::ssl::context client_tls() {
    asio::ssl::context context(asio::ssl::context::tls_client);
    context.set_verify_mode(asio::ssl::verify_none);
    ::SSL_CTX_set_security_level(context.native_handle(), 0);
    return context;
}

// A socket, TLS over it for HTTPS, and the timer that cuts it off, kept together until all are done.
struct Guarded {
    explicit Guarded(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
    void begin_tls() {
        static asio::ssl::context context = client_tls();
        tls.emplace(socket, context);
    }
    tcp::socket socket;
    std::optional<asio::ssl::stream<tcp::socket&>> tls;
    asio::steady_timer timer;
    bool expired = false;
};

void cut_off_after(const std::shared_ptr<Guarded>& held, std::chrono::steady_clock::duration limit) {
    held->timer.expires_after(limit);
    held->timer.async_wait([held](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        held->expired = true;
        boost::system::error_code ignored;
        // Cancelling ends the step that waits; shutting down ends the next one too, should the step have been
        // done already with its handler still to run.
        held->socket.shutdown(tcp::socket::shutdown_both, ignored);
        held->socket.cancel(ignored);
    });
}

// FIN, then what the backend still sends up to its FIN. Closing at once instead would answer a greeting with
// a reset.
asio::awaitable<void> close_in_order(std::shared_ptr<Guarded> held) {
    cut_off_after(held, close_limit);
    if (held->tls) co_await held->tls->async_shutdown(as_result);
    boost::system::error_code failure;
    held->socket.shutdown(tcp::socket::shutdown_send, failure);
    std::array<char, 4096> sink;
    for (std::size_t total = 0; !failure && total < close_bytes_limit;) {
        auto [read_failure, size] = co_await held->socket.async_read_some(asio::buffer(sink), as_result);
        failure = read_failure;
        total += size;
    }
    held->timer.cancel();
    held->socket.close(failure);
}

// Writes the message and reads up to the first line end. The line, or what went wrong.
template <typename Stream>
asio::awaitable<boost::system::error_code> exchange(Stream& stream, const std::string& message,
                                                    std::string& line) {
    auto [write_failure, written] = co_await asio::async_write(stream, asio::buffer(message), as_result);
    if (write_failure) co_return write_failure;
    std::array<char, longest_status_line> buffer;
    while (line.size() < longest_status_line) {
        const auto space = asio::buffer(buffer.data(), longest_status_line - line.size());
        auto [failure, size] = co_await stream.async_read_some(space, as_result);
        line.append(buffer.data(), size);
        if (const auto end = line.find('\n'); end != std::string::npos) {
            line.resize(end);
            co_return boost::system::error_code();
        }
        if (failure) co_return failure;
    }
    co_return boost::system::error_code();
}

std::string words_for_step(const boost::system::error_code& failure) {
    if (failure == asio::ssl::error::stream_truncated) return words_for(asio::error::eof);
    return words_for(failure);
}

asio::awaitable<ProbeResult> get(std::shared_ptr<Guarded> held, ProbeRequest request, Instant started) {
    const std::string subject =
        fmt::format("GET {}://{}{}", to_string(request.protocol), to_string(request.target), request.path);
    const std::string message = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: understudy-lb\r\nAccept: */*\r\nConnection: "
        "close\r\n\r\n",
        request.path, to_string(request.target));
    const Duration left = started + request.time_limit - io::monotonic_now();
    cut_off_after(held, std::max(Duration(0), left));
    boost::system::error_code failure;
    std::string line;
    const char* step = "";
    if (request.protocol == ProbeProtocol::https) {
        // No server name is sent: RFC 6066, section 3, allows no address there.
        held->begin_tls();
        auto [refused] = co_await held->tls->async_handshake(asio::ssl::stream_base::client, as_result);
        failure = refused;
        if (failure) step = "TLS handshake ";
        if (!failure) failure = co_await exchange(*held->tls, message, line);
    } else {
        failure = co_await exchange(held->socket, message, line);
    }
    held->timer.cancel();
    const Duration latency = io::monotonic_now() - started;
    if (held->expired)
        co_return ProbeResult{
            false, latency,
            fmt::format("{} not answered within {}", subject, format_duration(request.time_limit))};
    if (failure)
        co_return ProbeResult{
            false, latency,
            fmt::format("{} {}{} after {}", subject, step, words_for_step(failure), format_latency(latency)),
            is_hard(failure)};
    const auto status = parse_status_line(line);
    if (status.has_error())
        co_return ProbeResult{false, latency,
                              fmt::format("{} answered after {}, but not in HTTP: the status line {}",
                                          subject, format_latency(latency), status.error().reason)};
    if (*status != 200)
        co_return ProbeResult{
            false, latency,
            fmt::format("{} answered {} after {}, not 200", subject, *status, format_latency(latency)), true};
    co_return ProbeResult{true, latency,
                          fmt::format("{} answered 200 after {}", subject, format_latency(latency))};
}

}  // namespace

asio::awaitable<ProbeResult> run_probe(ProbeRequest request) {
    const auto executor = co_await asio::this_coro::executor;
    const auto held = std::make_shared<Guarded>(executor);
    const Instant started = io::monotonic_now();
    const std::string subject = fmt::format("connect to {}", to_string(request.target));
    const auto failure =
        co_await connect_within(held->socket, request.target, request.source, request.time_limit);
    const Duration latency = io::monotonic_now() - started;
    if (failure == asio::error::timed_out && latency >= request.time_limit)
        co_return ProbeResult{
            false, latency,
            fmt::format("{} not answered within {}", subject, format_duration(request.time_limit))};
    if (failure)
        co_return ProbeResult{
            false, latency,
            fmt::format("{} {} after {}", subject, words_for(failure), format_latency(latency)),
            is_hard(failure)};
    ProbeResult result{true, latency, fmt::format("{} answered after {}", subject, format_latency(latency))};
    if (request.protocol != ProbeProtocol::tcp) result = co_await get(held, request, started);
    asio::co_spawn(executor, close_in_order(held), asio::detached);
    co_return result;
}

}  // namespace understudy::lb
