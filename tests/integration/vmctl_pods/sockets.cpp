// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/vmctl_pods/sockets.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace understudy::vmctl {

namespace {

sockaddr_in to_sockaddr(Endpoint endpoint) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_addr.s_addr = htonl(endpoint.address.bits);
    result.sin_port = htons(endpoint.port);
    return result;
}

bool ready(int fd, short what, int limit_ms) {
    pollfd waiting{fd, what, 0};
    return ::poll(&waiting, 1, limit_ms) == 1;
}

int bind_to(const io::UniqueFd& socket, Endpoint endpoint) {
    const sockaddr_in local = to_sockaddr(endpoint);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local);
}

// The Internet checksum over an even number of bytes, RFC 1071.
std::uint16_t checksum(const std::array<std::uint8_t, 8>& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

io::UniqueFd socket_in(const ShellPod& pod, int type, int protocol) {
    int made = -1;
    // A namespace is a thread's: this one ends with it.
    std::thread([&made, type, protocol, name_space = pod.pod.network_namespace()] {
        if (::setns(name_space, CLONE_NEWNET) == 0) {
            made = ::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
        }
    }).join();
    EXPECT_GE(made, 0);
    return io::UniqueFd(made);
}

io::UniqueFd listen_in(const ShellPod& pod, std::uint16_t port) {
    io::UniqueFd socket = socket_in(pod, SOCK_STREAM);
    const int yes = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    EXPECT_EQ(bind_to(socket, {{}, port}), 0);
    EXPECT_EQ(::listen(socket.get(), 64), 0);
    return socket;
}

io::UniqueFd connect_from(const ShellPod& pod, Endpoint to, int limit_ms) {
    io::UniqueFd socket = socket_in(pod, SOCK_STREAM);
    const sockaddr_in remote = to_sockaddr(to);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0 &&
        errno != EINPROGRESS) {
        return {};
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (!ready(socket.get(), POLLOUT, limit_ms) ||
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        return {};
    }
    return socket;
}

bool carries(const io::UniqueFd& from, const io::UniqueFd& to, int limit_ms) {
    char byte = 'x';
    return ::send(from.get(), &byte, 1, MSG_NOSIGNAL) == 1 && ready(to.get(), POLLIN, limit_ms) &&
           ::recv(to.get(), &byte, 1, 0) == 1;
}

bool pings(const ShellPod& pod, Ipv4Address to, int limit_ms) {
    const io::UniqueFd socket = socket_in(pod, SOCK_RAW, IPPROTO_ICMP);
    const sockaddr_in remote = to_sockaddr({to, 0});
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0) return false;
    std::array<std::uint8_t, 8> request{ICMP_ECHO, 0, 0, 0, 0x12, 0x34, 0, 1};
    const std::uint16_t sum = checksum(request);
    request[2] = static_cast<std::uint8_t>(sum >> 8);
    request[3] = static_cast<std::uint8_t>(sum);
    if (::send(socket.get(), request.data(), request.size(), 0) < 0) return false;
    if (!ready(socket.get(), POLLIN, limit_ms)) return false;
    std::array<std::uint8_t, 128> answer{};
    const ssize_t count = ::recv(socket.get(), answer.data(), answer.size(), 0);
    return count >= 28 && answer[20] == ICMP_ECHOREPLY;
}

bool datagram_arrives(const ShellPod& pod, Ipv4Address source, Endpoint to, const io::UniqueFd& receiver,
                      int limit_ms) {
    const io::UniqueFd socket = socket_in(pod, SOCK_DGRAM);
    EXPECT_EQ(bind_to(socket, {source, 0}), 0);
    const sockaddr_in remote = to_sockaddr(to);
    char byte = 'x';
    ::sendto(socket.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
    return ready(receiver.get(), POLLIN, limit_ms) && ::recv(receiver.get(), &byte, 1, 0) == 1;
}

io::UniqueFd start_flow(const ShellPod& pod, int type, Ipv4Address source, Endpoint to,
                        std::uint8_t content) {
    io::UniqueFd socket = socket_in(pod, type);
    EXPECT_EQ(bind_to(socket, {source, 0}), 0);
    const sockaddr_in remote = to_sockaddr(to);
    ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
    if (type == SOCK_DGRAM) ::send(socket.get(), &content, 1, 0);
    return socket;
}

io::UniqueFd datagram_socket_in(const ShellPod& pod, std::uint16_t port) {
    io::UniqueFd socket = socket_in(pod, SOCK_DGRAM);
    EXPECT_EQ(bind_to(socket, {{}, port}), 0);
    return socket;
}

}  // namespace understudy::vmctl
