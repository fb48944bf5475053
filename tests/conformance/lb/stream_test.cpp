// SPDX-License-Identifier: Apache-2.0
// What becomes of a flow's bytes and of its ends.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <cerrno>
#include <future>

#include "fixture.hpp"
#include "pattern.hpp"

namespace understudy::lb::conformance {
namespace {

class Streams : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Streams, ::testing::ValuesIn(data_paths()),
                         ::testing::PrintToStringParamName());

TEST_P(Streams, transfers_both_ways_at_once_arrive_whole) {
    serve(0, [](Peer& peer) {
        char buffer[256 * 1024];
        for (ssize_t size = 0; (size = ::recv(peer.fd(), buffer, sizeof buffer, 0)) > 0;)
            if (!send_all(peer, buffer, static_cast<std::size_t>(size))) return;
        peer.half_close();
    });
    open_to({0});
    std::uint64_t sent = 0;
    for (const std::uint64_t size : {std::uint64_t{64} << 10, std::uint64_t{1} << 20, std::uint64_t{64} << 20,
                                     std::uint64_t{large_transfer}}) {
        Peer peer = connect();
        ASSERT_TRUE(peer.connected());
        auto sending = std::async(std::launch::async, [&] {
            const bool done = send_pattern(peer, size);
            peer.half_close();
            return done;
        });
        EXPECT_EQ(receive_pattern(peer), size);
        EXPECT_TRUE(sending.get()) << size;
        sent += size;
    }
    const RuleCounters counted =
        counters_when([&](const RuleCounters& now) { return now.backends.at(0).bytes_to_client >= sent; });
    // A data path that counts packets counts their headers too.
    EXPECT_GE(counted.backends.at(0).bytes_to_backend, sent);
    EXPECT_GE(counted.backends.at(0).bytes_to_client, sent);
}

TEST_P(Streams, the_client_may_end_first_and_still_be_answered) {
    serve(0, [](Peer& peer) {
        const std::string all = peer.read_all();
        peer.send("got " + std::to_string(all.size()) + "\n");
        peer.half_close();
    });
    open_to({0});
    Peer peer = connect();
    ASSERT_TRUE(peer.send(std::string(100'000, 'x')));
    peer.half_close();
    EXPECT_EQ(peer.read_all(), "got 100000\n");
}

TEST_P(Streams, the_backend_may_end_first_and_still_be_sent_to) {
    std::promise<std::uint64_t> got;
    serve(0, [&got](Peer& peer) {
        peer.send("that is all\n");
        peer.half_close();
        got.set_value(receive_pattern(peer));
    });
    open_to({0});
    Peer peer = connect();
    EXPECT_EQ(peer.read_all(), "that is all\n");
    constexpr std::uint64_t late = 3 << 20;
    ASSERT_TRUE(send_pattern(peer, late));
    peer.half_close();
    auto answer = got.get_future();
    ASSERT_EQ(answer.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(answer.get(), late);
}

TEST_P(Streams, a_reset_by_the_backend_in_mid_stream_reaches_the_client) {
    serve(0, [](Peer& peer) {
        if (peer.read_line().empty()) return;
        peer.send("the first half of ");
        if (peer.read_line().empty()) return;
        const linger at_once{1, 0};
        ::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        peer.close();
    });
    open_to({0});
    Peer peer = connect();
    ASSERT_TRUE(peer.send("go\n"));
    char half[18];
    ASSERT_EQ(::recv(peer.fd(), half, sizeof half, MSG_WAITALL), 18);
    ASSERT_TRUE(peer.send("reset\n"));
    EXPECT_EQ(peer.read_error(), ECONNRESET);
}

TEST_P(Streams, a_reset_by_the_client_reaches_the_backend) {
    std::promise<int> error;
    serve(0, [&error](Peer& peer) {
        peer.send(peer.read_line());
        error.set_value(peer.read_error());
    });
    open_to({0});
    Peer peer = connect();
    ASSERT_TRUE(peer.send("hello\n"));
    ASSERT_EQ(peer.read_line(), "hello\n");
    const linger at_once{1, 0};
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer.close();
    auto seen = error.get_future();
    ASSERT_EQ(seen.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(seen.get(), ECONNRESET);
}

// One byte at a time from a sender of much: the sender is held up once the buffers on the way are full, and
// what it is held up with arrives whole once it is read.
TEST_P(Streams, a_client_that_reads_one_byte_at_a_time_holds_the_backend_up) {
    constexpr std::uint64_t bound = 256 << 20;
    std::promise<std::uint64_t> held_up_at;
    serve(0, [&held_up_at](Peer& peer) {
        // Held up when nothing could be sent for a while.
        const timeval pause{0, 700'000};
        ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDTIMEO, &pause, sizeof pause);
        held_up_at.set_value(send_pattern_until_full(peer, bound));
        peer.half_close();
    });
    open_to({0});
    Peer peer = connect();
    ASSERT_TRUE(peer.connected());
    PatternReader reader;
    auto answer = held_up_at.get_future();
    char byte = 0;
    int read = 0;
    // A pace of bytes, not of time: it is read on until the sender has stopped.
    while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready && read < 20'000) {
        ASSERT_EQ(::recv(peer.fd(), &byte, 1, 0), 1);
        ASSERT_TRUE(reader.fits(&byte, 1));
        ++read;
    }
    ASSERT_EQ(answer.wait_for(patience), std::future_status::ready);
    const std::uint64_t sent = answer.get();
    EXPECT_LT(sent, bound / 2) << "what nobody reads was taken without end";
    EXPECT_EQ(receive_pattern(peer, reader), sent);
}

TEST_P(Streams, many_flows_at_once_keep_their_bytes_apart) {
    serve_echo();
    open_to({0, 1, 2});
    std::vector<std::future<bool>> clients;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        clients.push_back(std::async(std::launch::async, [this, seed] {
            Peer peer = connect();
            const std::string sent = drawn_bytes(300'000, seed);
            auto sending = std::async(std::launch::async, [&] {
                const bool done = peer.send(sent);
                peer.half_close();
                return done;
            });
            const bool same = peer.read_all() == sent;
            return sending.get() && same;
        }));
    }
    for (auto& client : clients) EXPECT_TRUE(client.get());
}

TEST_P(Streams, a_flow_whose_backend_has_lost_power_is_ended_or_lasts_as_promised) {
    serve(0, echo("a"));
    Config config = base_config();
    config.dead_peer_timeout = 1s;
    open(config, to({0}));
    Peer peer = connect();
    EXPECT_EQ(who(peer), "a");
    const auto silenced = network_->silence(0);
    ASSERT_TRUE(silenced.has_value()) << silenced.error().message();
    peer.send("anybody?\n");
    if (promises().finds_dead_peers)
        EXPECT_EQ(peer.read_error(), ECONNRESET);
    else
        std::this_thread::sleep_for(2 * config.dead_peer_timeout);  // that it outlasts this is what is tested
    const auto back = network_->unsilence(0);
    ASSERT_TRUE(back.has_value()) << back.error().message();
    if (!promises().finds_dead_peers) {
        EXPECT_EQ(peer.read_line(), "anybody?\n");
    }
    EXPECT_EQ(who_answers(), "a");
}

TEST_P(Streams, a_silent_flow_ends_at_the_idle_timeout_with_a_reset_where_the_rule_says_so) {
    std::promise<int> error;
    serve(0, [&error](Peer& peer) {
        peer.read_line();
        error.set_value(peer.read_error());
    });
    Config config = base_config();
    config.rules[0].idle_timeout = 1s;
    config.rules[0].tcp_reset = true;
    open(config, to({0}));
    Peer peer = connect();
    ASSERT_TRUE(peer.send("anybody?\n"));
    EXPECT_EQ(peer.read_error(), ECONNRESET);
    auto seen = error.get_future();
    ASSERT_EQ(seen.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(seen.get(), ECONNRESET);
    EXPECT_EQ(counters().idle_timeouts, 1U);
    EXPECT_EQ(counters().backends.at(0).established, 0U);
}

TEST_P(Streams, a_silent_flow_ends_at_the_idle_timeout_as_promised_where_the_rule_asks_for_no_reset) {
    serve(0, [](Peer& peer) { peer.read_all(); });
    Config config = base_config();
    config.rules[0].idle_timeout = 1s;
    open(config, to({0}));
    Peer peer = connect();
    ASSERT_TRUE(peer.send("anybody?\n"));
    if (promises().idle_end_is_always_told) {
        EXPECT_EQ(peer.read_error(), ECONNRESET);
        return;
    }
    const RuleCounters gone =
        counters_when([](const RuleCounters& now) { return now.backends.at(0).established == 0; });
    EXPECT_EQ(gone.backends.at(0).established, 0U);
    char byte = 0;
    EXPECT_EQ(::recv(peer.fd(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN) << "the client was told of the idle timeout";
}

TEST_P(Streams, a_flow_that_is_used_outlives_the_idle_timeout) {
    serve_echo();
    Config config = base_config();
    config.rules[0].idle_timeout = 1s;
    open(config, to({0}));
    Peer peer = connect();
    // A byte every twentieth of the timeout, for twice the timeout: the pace is what is tested.
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(peer.send("x\n"));
        ASSERT_EQ(peer.read_line(), "x\n");
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_EQ(counters().idle_timeouts, 0U);
}

}  // namespace
}  // namespace understudy::lb::conformance
