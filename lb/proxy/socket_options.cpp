// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/socket_options.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>

namespace understudy::lb {
namespace {

void set_number(int fd, int level, int option, std::int64_t value, std::int64_t most) {
    const int number = static_cast<int>(std::clamp<std::int64_t>(value, 1, most));
    ::setsockopt(fd, level, option, &number, sizeof number);
}

constexpr std::int64_t longest_keepalive = 32'767;  // seconds; the kernel's limit
constexpr std::int64_t any = 2'000'000'000;

}  // namespace

sockaddr_in to_sockaddr(Endpoint endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(endpoint.address.bits);
    return address;
}

Endpoint from_sockaddr(const sockaddr_in& address) {
    return {Ipv4Address{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)};
}

void send_at_once(int fd) {
    set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1, any);
}

void find_dead_peers(int fd, Duration limit) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
    set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1, any);
    set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds / 2, longest_keepalive);
    set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds / 8, longest_keepalive);
    set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, 4, any);
}

void limit_unacknowledged(int fd, Duration limit) {
    set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, whole_milliseconds(limit), any);
}

}  // namespace understudy::lb
