// SPDX-License-Identifier: Apache-2.0
#include "storage/database/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/io/unique_fd.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::database {
namespace {

class TlsTest : public testing::Test {
  protected:
    TlsTest() {
        files_ = test::write_certificate(directory_);
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        ours_.reset(fds[0]);
        theirs_.reset(fds[1]);
    }
    std::shared_ptr<const TlsContext> context() const {
        return *TlsContext::load(files_.certificate.string(), files_.key.string());
    }

    const test::ScratchDirectory scratch_;
    const std::filesystem::path directory_ = scratch_.path();
    test::CertificateFiles files_;
    io::UniqueFd ours_, theirs_;
};

TEST_F(TlsTest, a_peer_that_shakes_no_hands_is_given_up) {
    TlsStream stream(*context(), ours_.get());
    EXPECT_EQ(stream.shake_hands(20ms), "it took too long");
}

// The record's header, and a byte of its contents ever and again: each is progress, none is an end.
TEST_F(TlsTest, a_peer_that_sends_a_byte_now_and_then_is_given_up_all_the_same) {
    TlsStream stream(*context(), ours_.get());
    std::atomic<bool> over = false;
    std::thread dribbler([&] {
        ::send(theirs_.get(), "\x16\x03\x01\x02\x00\x01", 6, 0);
        while (!over && ::send(theirs_.get(), "", 1, MSG_NOSIGNAL) == 1)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
    EXPECT_EQ(stream.shake_hands(100ms), "it took too long");
    over = true;
    dribbler.join();
}

TEST_F(TlsTest, what_is_no_handshake_is_refused) {
    TlsStream stream(*context(), ours_.get());
    ::send(theirs_.get(), "GET / HTTP/1.0\r\n\r\n", 18, 0);
    EXPECT_THAT(stream.shake_hands(5s).value_or(""), testing::HasSubstr("http request"));
}

TEST_F(TlsTest, a_wait_for_bytes_ends_with_its_limit_and_with_the_peer) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client_context(SSL_CTX_new(TLS_client_method()),
                                                                           SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(client_context.get()), SSL_free);
    SSL_set_fd(client.get(), theirs_.get());
    std::thread peer([&] { EXPECT_EQ(SSL_connect(client.get()), 1); });
    TlsStream stream(*context(), ours_.get());
    EXPECT_EQ(stream.shake_hands(5s), std::nullopt);
    peer.join();
    char buffer[16];
    EXPECT_EQ(stream.receive(buffer, sizeof buffer, 20ms), -1);
    EXPECT_EQ(errno, EAGAIN);
    SSL_write(client.get(), "hello", 5);
    EXPECT_EQ(stream.receive(buffer, sizeof buffer, 5s), 5);
    EXPECT_FALSE(stream.send(std::string(8 * 1024 * 1024, 'x'), 20ms)) << "nobody reads";
    theirs_.reset();
    EXPECT_EQ(stream.receive(buffer, sizeof buffer, 5s), 0);
}

TEST_F(TlsTest, a_certificate_and_another_ones_key_are_refused) {
    const auto other = test::write_certificate(directory_, "other");
    const auto mixed = TlsContext::load(files_.certificate.string(), other.key.string());
    ASSERT_TRUE(mixed.has_error());
    EXPECT_THAT(mixed.error().message(), testing::HasSubstr("key values mismatch"));
    EXPECT_TRUE(TlsContext::load(files_.key.string(), files_.key.string()).has_error());
    EXPECT_EQ(context()->binding().size(), 32u);
}

}  // namespace
}  // namespace understudy::database
