// SPDX-License-Identifier: Apache-2.0
// What the prober finds, and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cerrno>
#include <future>

#include "lb/prober.hpp"
#include "sockets_of_test.hpp"
#include "tls_of_test.hpp"

namespace understudy::lb {
namespace {

using ::testing::ContainsRegex;
using ::testing::StartsWith;

ProbeResult probe(ProbeProtocol protocol, std::uint16_t port, Duration limit = 10s,
                  std::optional<Ipv4Address> source = {}) {
    boost::asio::io_context context(1);
    auto result = boost::asio::co_spawn(
        context, run_probe({protocol, {*parse_address("127.0.0.2"), port}, "/status", source, limit}),
        boost::asio::use_future);
    context.run();
    return result.get();
}

TestBackend::Handler answer(std::string text) {
    return [text = std::move(text)](Peer& peer) {
        while (peer.read_line().size() > 2) continue;
        peer.send(text);
        peer.half_close();
    };
}

ProbeResult http_probe_of(const std::string& text) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, answer(text));
    return probe(ProbeProtocol::http, port);
}

TEST(Prober, an_open_port_is_healthy_and_sees_an_orderly_close) {
    const std::uint16_t port = free_port();
    std::promise<int> ended;
    TestBackend backend("127.0.0.2", port, [&ended](Peer& peer) {
        peer.send("a greeting that nobody reads\n");
        ended.set_value(peer.read_error());
    });
    const auto result = probe(ProbeProtocol::tcp, port);
    EXPECT_TRUE(result.healthy);
    EXPECT_THAT(result.text, ContainsRegex("^connect to 127.0.0.2:[0-9]+ answered after [0-9.e-]+ ms$"));
    auto error = ended.get_future();
    ASSERT_EQ(error.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(error.get(), 0);
}

TEST(Prober, a_closed_port_is_refused) {
    const auto result = probe(ProbeProtocol::tcp, free_port());
    EXPECT_FALSE(result.healthy);
    EXPECT_THAT(result.text, ContainsRegex("^connect to 127.0.0.2:[0-9]+ refused after [0-9.e-]+ ms$"));
}

TEST(Prober, only_status_200_is_healthy) {
    EXPECT_TRUE(http_probe_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").healthy);
    for (const char* status : {"204 No Content", "301 Moved", "404 Not Found", "503 Service Unavailable"}) {
        const auto result = http_probe_of(std::string("HTTP/1.1 ") + status + "\r\n\r\n");
        EXPECT_FALSE(result.healthy) << status;
        EXPECT_THAT(result.text, ContainsRegex("^GET http://127.0.0.2:[0-9]+/status answered " +
                                               std::string(status, 3) + " after [0-9.e-]+ ms, not 200$"));
    }
}

TEST(Prober, an_answer_that_is_not_http_is_unhealthy) {
    EXPECT_THAT(http_probe_of("SSH-2.0-OpenSSH\r\n").text, ContainsRegex("but not in HTTP"));
    EXPECT_THAT(http_probe_of(std::string(100'000, 'x')).text, ContainsRegex("but not in HTTP"));
    EXPECT_THAT(http_probe_of("").text, ContainsRegex("closed by the backend after"));
}

TEST(Prober, silence_is_unhealthy_at_the_time_limit) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, [](Peer& peer) { peer.read_all(); });
    const auto result = probe(ProbeProtocol::http, port, 200ms);
    EXPECT_FALSE(result.healthy);
    EXPECT_THAT(result.text, ContainsRegex("/status not answered within 200ms$"));
    EXPECT_GE(result.latency, 200ms);
}

TEST(Prober, an_answer_byte_by_byte_does_not_outlast_the_time_limit) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, [](Peer& peer) {
        while (peer.send("H")) std::this_thread::sleep_for(20ms);
    });
    const auto result = probe(ProbeProtocol::http, port, 300ms);
    EXPECT_FALSE(result.healthy);
    EXPECT_THAT(result.text, ContainsRegex("not answered within 300ms$"));
}

TEST(Prober, probes_leave_from_their_source_address) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, echo("a"));
    EXPECT_TRUE(probe(ProbeProtocol::tcp, port, 10s, *parse_address("127.0.0.9")).healthy);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (backend.last_client().empty() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(backend.last_client(), "127.0.0.9");
}

TEST(Prober, an_https_probe_takes_any_certificate_and_sends_no_server_name) {
    const std::uint16_t port = free_port();
    std::promise<TlsRequest> seen;
    TestBackend backend("127.0.0.2", port, [&seen](Peer& peer) {
        seen.set_value(answer_over_tls(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    });
    const auto result = probe(ProbeProtocol::https, port);
    EXPECT_TRUE(result.healthy) << result.text;
    EXPECT_THAT(result.text,
                ContainsRegex("^GET https://127.0.0.2:[0-9]+/status answered 200 after [0-9.e-]+ ms$"));
    auto request = seen.get_future();
    ASSERT_EQ(request.wait_for(patience), std::future_status::ready);
    const TlsRequest got = request.get();
    EXPECT_THAT(got.text, StartsWith("GET /status HTTP/1.1\r\nHost: 127.0.0.2:"));
    EXPECT_EQ(got.server_name, "");
}

TEST(Prober, only_status_200_is_healthy_over_tls_too) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, [](Peer& peer) {
        answer_over_tls(peer, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
    });
    const auto result = probe(ProbeProtocol::https, port);
    EXPECT_FALSE(result.healthy);
    EXPECT_TRUE(result.hard);
    EXPECT_THAT(result.text, ContainsRegex("/status answered 503 after [0-9.e-]+ ms, not 200$"));
}

TEST(Prober, https_to_what_speaks_no_tls_fails_in_the_handshake) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, [](Peer& peer) {
        peer.send("SSH-2.0-OpenSSH and more than a record's header\r\n");
        peer.read_all();
    });
    const auto result = probe(ProbeProtocol::https, port);
    EXPECT_FALSE(result.healthy);
    EXPECT_FALSE(result.hard) << "it may be about to change its mind";
    EXPECT_THAT(result.text, ContainsRegex("/status TLS handshake failed \\(.*\\) after [0-9.e-]+ ms$"));
}

TEST(Prober, silence_in_the_handshake_is_unhealthy_at_the_time_limit) {
    const std::uint16_t port = free_port();
    TestBackend backend("127.0.0.2", port, [](Peer& peer) { peer.read_all(); });
    const auto result = probe(ProbeProtocol::https, port, 200ms);
    EXPECT_FALSE(result.healthy);
    EXPECT_THAT(result.text,
                ContainsRegex("^GET https://127.0.0.2:[0-9]+/status not answered within 200ms$"));
}

TEST(Prober, what_leaves_no_doubt_is_told_from_what_may_pass) {
    EXPECT_TRUE(probe(ProbeProtocol::tcp, free_port()).hard) << "refused";
    EXPECT_TRUE(http_probe_of("HTTP/1.1 503 Service Unavailable\r\n\r\n").hard);
    EXPECT_FALSE(http_probe_of("SSH-2.0-OpenSSH\r\n").hard);
    EXPECT_FALSE(http_probe_of("HTTP/1.1 200 OK\r\n\r\n").hard);
}

}  // namespace
}  // namespace understudy::lb
