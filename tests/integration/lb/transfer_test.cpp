// SPDX-License-Identifier: Apache-2.0
// What is passed on: every byte, in order, each direction ending by itself, and no more held than a few
// buffers.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <future>

#include "base/random.hpp"
#include "harness.hpp"

namespace understudy::lb {
namespace {

std::string drawn_bytes(std::size_t size, std::uint64_t seed) {
    Random random(seed);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
        std::uint64_t word = random.next();
        for (std::size_t j = 0; j < 8; ++j, word >>= 8) bytes[i + j] = static_cast<char>(word);
    }
    return bytes;
}

std::uint64_t checksum(const std::string& bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

TEST(Transfer, both_directions_at_once_arrive_whole) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    const std::string sent = drawn_bytes(32 << 20, 1);
    Peer peer = balancer.connect();
    auto sending = std::async(std::launch::async, [&] {
        const bool done = peer.send(sent);
        peer.half_close();
        return done;
    });
    const std::string received = peer.read_all();
    EXPECT_TRUE(sending.get());
    EXPECT_EQ(received.size(), sent.size());
    EXPECT_EQ(checksum(received), checksum(sent));
}

TEST(Transfer, the_client_may_end_first_and_still_be_answered) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, [](Peer& peer) {
        const std::string all = peer.read_all();
        peer.send("got " + std::to_string(all.size()) + "\n");
        peer.half_close();
    });
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    ASSERT_TRUE(peer.send(std::string(100'000, 'x')));
    peer.half_close();
    EXPECT_EQ(peer.read_all(), "got 100000\n");
}

TEST(Transfer, the_backend_may_end_first_and_still_be_sent_to) {
    const Config config = test_config();
    std::promise<std::string> got;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, [&got](Peer& peer) {
        if (peer.read_line() != "begin\n") return;  // a probe
        peer.send("that is all\n");
        peer.half_close();
        got.set_value(peer.read_all());
    });
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    ASSERT_TRUE(peer.send("begin\n"));
    EXPECT_EQ(peer.read_all(), "that is all\n");
    const std::string late = drawn_bytes(1 << 20, 2);
    ASSERT_TRUE(peer.send(late));
    peer.half_close();
    auto answer = got.get_future();
    ASSERT_EQ(answer.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(checksum(answer.get()), checksum(late));
}

TEST(Transfer, a_reset_by_the_backend_reaches_the_client) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, [](Peer& peer) {
        if (peer.read_line().empty()) return;  // a probe
        const linger at_once{1, 0};
        ::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        peer.close();
    });
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    ASSERT_TRUE(peer.send("go\n"));
    EXPECT_EQ(peer.read_error(), ECONNRESET);
}

// The sender is held up once the kernel's buffers and the proxy's one are full; nothing is lost when it goes
// on.
TEST(Transfer, a_receiver_that_does_not_read_holds_the_sender_up) {
    const Config config = test_config();
    std::promise<void> go_on;
    std::shared_future<void> may_read = go_on.get_future().share();
    std::promise<std::string> got;
    TestBackend a("127.0.0.2", config.rules[0].backend_port, [&got, may_read](Peer& peer) {
        if (peer.read_line() != "begin\n") return;  // a probe
        if (may_read.wait_for(patience) != std::future_status::ready) return;
        got.set_value(peer.read_all());
    });
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    Peer peer = balancer.connect();
    ASSERT_TRUE(peer.send("begin\n"));
    const std::string block = drawn_bytes(1 << 16, 3);
    std::string sent;
    // Full when nothing could be sent for half a second.
    const timeval pause{0, 500'000};
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDTIMEO, &pause, sizeof pause);
    constexpr std::size_t bound = 64 << 20;
    while (sent.size() < bound) {
        const ssize_t size = ::send(peer.fd(), block.data(), block.size(), MSG_NOSIGNAL);
        if (size <= 0) break;
        sent.append(block, 0, static_cast<std::size_t>(size));
    }
    EXPECT_LT(sent.size(), bound) << "the proxy took without end what nobody reads";
    peer.half_close();
    go_on.set_value();
    auto answer = got.get_future();
    ASSERT_EQ(answer.wait_for(patience), std::future_status::ready);
    const std::string received = answer.get();
    EXPECT_EQ(received.size(), sent.size());
    EXPECT_EQ(checksum(received), checksum(sent));
}

TEST(Transfer, many_connections_at_once_keep_their_bytes_apart) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    TestBackend b("127.0.0.3", config.rules[0].backend_port, echo("b"));
    RunningBalancer balancer(config);
    ASSERT_TRUE(balancer.events().wait("probe_up", "a"));
    ASSERT_TRUE(balancer.events().wait("probe_up", "b"));
    std::vector<std::future<bool>> clients;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        clients.push_back(std::async(std::launch::async, [&balancer, seed] {
            Peer peer = balancer.connect();
            const std::string sent = drawn_bytes(200'000, seed);
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

}  // namespace
}  // namespace understudy::lb
