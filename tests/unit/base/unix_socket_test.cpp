// SPDX-License-Identifier: Apache-2.0
#include "base/io/unix_socket.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/support/scratch_directory.hpp"

namespace understudy::io {
namespace {

class UnixSocketTest : public testing::Test {
  protected:
    const test::ScratchDirectory scratch_;
    const std::filesystem::path directory_ = scratch_.path();
};

TEST_F(UnixSocketTest, reaches_who_listens_at_the_path) {
    const std::string path = (directory_ / "socket").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    const auto connected = connect_unix(path);
    ASSERT_TRUE(connected.has_value()) << connected.error().message();
    const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
    ASSERT_EQ(::send(connected->get(), "x", 1, MSG_NOSIGNAL), 1);
    char byte = 0;
    ASSERT_EQ(::recv(accepted.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'x');
}

TEST_F(UnixSocketTest, says_when_nobody_listens_or_the_path_is_too_long) {
    const auto nobody = connect_unix((directory_ / "socket").string());
    ASSERT_TRUE(nobody.has_error());
    EXPECT_EQ(nobody.error().number, ENOENT);
    const auto too_long = connect_unix((directory_ / std::string(108, 'x')).string());
    ASSERT_TRUE(too_long.has_error());
    EXPECT_EQ(too_long.error().kind, ErrorKind::environment);
    EXPECT_THAT(too_long.error().reason, testing::HasSubstr("too long"));
}

}  // namespace
}  // namespace understudy::io
