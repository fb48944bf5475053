// SPDX-License-Identifier: Apache-2.0
// A server and the mounts of two clients, a and b, of one share, as programs on loopback. The first may reach
// the server through a relay that loses and holds back what a test wants it to.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/io/free_port.hpp"
#include "base/io/unique_fd.hpp"
#include "programs.hpp"
#include "relay.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {

inline void put(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

// fcntl's exclusive lock of the first ten bytes: 0 or the errno.
inline int lock(int fd, short type = F_WRLCK, int command = F_SETLK) {
    struct flock wanted = {};
    wanted.l_type = type;
    wanted.l_len = 10;
    return ::fcntl(fd, command, &wanted) == 0 ? 0 : errno;
}

class MountsOfTwo : public ::testing::Test {
  protected:
    // With a relay, client a goes through it.
    void begin(const std::string& lease, bool with_relay, const std::vector<std::string>& options = {}) {
        if (std::string why = why_not(); !why.empty()) GTEST_SKIP() << why;
        port = io::free_port();
        put(directory.path("files.yaml"),
            "listen: 127.0.0.1:" + std::to_string(port) + "\nexports: {share: {path: " +
                directory.path("data") + ", quota: 80MiB, client_lease: " + lease +
                (delegate_after.empty() ? "" : ", delegate_after: " + delegate_after) + "}}\n");
        start_server();
        if (with_relay) relay = std::make_unique<Relay>(port);
        a = mount("a", options);
        b = mount("b", options);
        ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 1 && b->count("ready") == 1; }));
    }
    void start_server() {
        server = std::make_unique<Program>(
            std::vector<std::string>{"understudy-files", "--config", directory.path("files.yaml")});
        ASSERT_TRUE(test::eventually([&] { return server->count("ready") == 1; }));
    }
    std::unique_ptr<Program> mount(const std::string& client, const std::vector<std::string>& options = {},
                                   const std::string& share = "share") {
        const std::uint16_t to = relay != nullptr && client == "a" ? relay->port() : port;
        std::vector<std::string> arguments = {
            "understudy-mount", "--server", "127.0.0.1:" + std::to_string(to), "--export", share,
            "--client",         client};
        arguments.insert(arguments.end(), options.begin(), options.end());
        arguments.push_back(directory.path(client));
        return std::make_unique<Program>(arguments);
    }
    std::string at_a(const std::string& name) const { return directory.path("a/" + name); }
    std::string at_b(const std::string& name) const { return directory.path("b/" + name); }
    static io::UniqueFd open(const std::string& path, int flags = O_RDWR | O_CREAT) {
        return io::UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    }

    Directory directory;
    std::string delegate_after;  // empty: as it is by default
    std::uint16_t port = 0;
    std::unique_ptr<Program> server;
    std::unique_ptr<Relay> relay;
    std::unique_ptr<Program> a, b;
};

}  // namespace understudy::files::testing
