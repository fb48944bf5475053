// SPDX-License-Identifier: Apache-2.0
// One direction between two pairs of connected sockets; the test is the peer at both far ends.
#include "lb/proxy/transfer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

class TransferTest : public ::testing::Test {
  protected:
    TransferTest() {
        make(sender_, from_fd_);
        make(receiver_, to_fd_);
        from_ = {from_fd_.get(), true, true, false};
        to_ = {to_fd_.get(), true, true, false};
    }

    static void make(io::UniqueFd& outer, io::UniqueFd& inner) {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        outer.reset(ends[0]);
        inner.reset(ends[1]);
    }

    TransferState run() {
        from_.readable = to_.writable = true;  // as if an edge had come
        return transfer_.run(from_, to_, tools_, moved_);
    }

    // What the receiver has; errno EAGAIN ends it.
    std::string receive() {
        std::string all;
        std::vector<char> buffer(1 << 16);
        for (ssize_t size = 0; (size = ::recv(receiver_.get(), buffer.data(), buffer.size(), 0)) > 0;)
            all.append(buffer.data(), static_cast<std::size_t>(size));
        return all;
    }

    // What the sender was told is taken.
    std::size_t send(const std::string& bytes) {
        const ssize_t size = ::send(sender_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return size < 0 ? 0 : static_cast<std::size_t>(size);
    }

    static std::string drawn(Random& random, std::size_t size) {
        std::string bytes(size, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.next());
        return bytes;
    }

    io::UniqueFd sender_, from_fd_, receiver_, to_fd_;
    Channel from_, to_;
    std::vector<char> buffer_ = std::vector<char>(64 * 1024);
    PipePool pipes_{2};
    TransferTools tools_{buffer_, pipes_};
    Transfer transfer_;
    std::uint64_t moved_ = 0;
};

TEST_F(TransferTest, small_amounts_are_copied_and_hold_nothing_afterwards) {
    ASSERT_EQ(send("hello"), 5U);
    EXPECT_EQ(run(), TransferState::waiting);
    EXPECT_EQ(receive(), "hello");
    EXPECT_EQ(moved_, 5U);
    EXPECT_FALSE(transfer_.splices());
    EXPECT_EQ(pipes_.taken(), 0U);
}

// Whatever the sizes of writes and reads, and whether they are copied or spliced: the same bytes in order.
TEST_F(TransferTest, every_schedule_of_writes_and_reads_passes_the_bytes_on_whole) {
    Random random(7);
    const std::string sent = drawn(random, 8 << 20);
    std::string received;
    std::size_t at = 0;
    bool spliced = false;
    bool ended = false;
    while (!ended) {
        if (at < sent.size()) {
            const std::size_t most = random.chance(0.5) ? 100 : 300'000;
            at += send(sent.substr(at, 1 + random.below(most)));
            if (at == sent.size()) ::shutdown(sender_.get(), SHUT_WR);
        }
        const TransferState state = run();
        ASSERT_NE(state, TransferState::failed);
        spliced = spliced || transfer_.splices();
        ended = state == TransferState::ended;
        if (ended || random.chance(0.6)) received += receive();
    }
    EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size();
    EXPECT_EQ(moved_, sent.size());
    EXPECT_TRUE(spliced) << "bulk was never spliced";
    EXPECT_EQ(pipes_.taken(), 0U);
}

TEST_F(TransferTest, a_receiver_that_does_not_read_stops_the_reading) {
    Random random(8);
    const std::string block = drawn(random, 1 << 16);
    std::size_t taken = 0;
    int idle = 0;
    while (idle < 3) {
        const std::size_t more = send(block);
        taken += more;
        idle = more == 0 ? idle + 1 : 0;
        ASSERT_EQ(run() == TransferState::failed, false);
        ASSERT_LT(taken, std::size_t{64} << 20) << "it takes without end what nobody reads";
    }
    int unread = 0;
    ASSERT_EQ(::ioctl(from_fd_.get(), FIONREAD, &unread), 0);
    EXPECT_GT(unread, 0) << "the sender's bytes aren't left in its socket";
    std::size_t received = receive().size();
    while (run() != TransferState::waiting || received < taken) received += receive().size();
    EXPECT_EQ(received, taken);
}

TEST_F(TransferTest, what_waits_for_room_is_passed_on_before_the_end_is) {
    Random random(9);
    std::string sent;
    for (std::size_t more = 1; more > 0;) {
        const std::string block = drawn(random, 1 << 15);
        more = send(block);
        sent += block.substr(0, more);
        run();
    }
    ::shutdown(sender_.get(), SHUT_WR);
    EXPECT_EQ(run(), TransferState::waiting);
    std::string received;
    while (run() != TransferState::ended) received += receive();
    received += receive();
    EXPECT_TRUE(received == sent);
}

TEST_F(TransferTest, one_flow_does_not_keep_the_thread_from_the_others) {
    Random random(10);
    const std::string block = drawn(random, 1 << 18);
    // The receiver reads all there is, and still run() comes back in between.
    bool unspent = false;
    const int much = 8 << 20;
    ::setsockopt(sender_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof much);
    ::setsockopt(to_fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof much);
    for (int i = 0; i < 12; ++i) send(block);
    int queued = 0;
    ASSERT_EQ(::ioctl(from_fd_.get(), FIONREAD, &queued), 0);
    if (queued < (2 << 20))
        GTEST_SKIP() << "the kernel gives a socket " << queued << " bytes only; 2 MiB are needed";
    unspent = run() == TransferState::unspent;
    EXPECT_TRUE(unspent);
    EXPECT_LT(moved_, 2U << 20);
}

TEST_F(TransferTest, with_no_pipe_to_be_had_bulk_is_copied) {
    const auto first = pipes_.take();
    const auto second = pipes_.take();
    ASSERT_TRUE(first != nullptr && second != nullptr);
    EXPECT_EQ(pipes_.take(), nullptr);
    Random random(11);
    const std::string block = drawn(random, 1 << 16);
    for (int i = 0; i < 20; ++i) {
        const std::size_t size = send(block);
        run();
        EXPECT_EQ(receive(), block.substr(0, size));
        EXPECT_FALSE(transfer_.splices());
    }
}

TEST_F(TransferTest, a_receiver_that_is_gone_is_a_failure_with_its_number) {
    receiver_.reset();
    ASSERT_EQ(send("hello"), 5U);
    EXPECT_EQ(run(), TransferState::failed);
    EXPECT_EQ(transfer_.error(), EPIPE);
}

TEST_F(TransferTest, a_pipe_given_back_with_bytes_in_it_is_not_given_out_again) {
    auto pipe = pipes_.take();
    ASSERT_NE(pipe, nullptr);
    ASSERT_EQ(::write(pipe->write_end.get(), "left", 4), 4);
    pipe->held = 4;
    pipes_.give_back(std::move(pipe));
    pipe = pipes_.take();
    ASSERT_NE(pipe, nullptr);
    char c = 0;
    EXPECT_EQ(::read(pipe->read_end.get(), &c, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace understudy::lb
