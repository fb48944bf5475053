// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/sockets.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace understudy::bench {

sockaddr_in to_sockaddr(Ipv4Address address, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_addr.s_addr = htonl(address.bits);
    result.sin_port = htons(port);
    return result;
}

int begin_connect(Endpoint target) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const sockaddr_in address = to_sockaddr(target.address, target.port);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
        errno == EINPROGRESS)
        return descriptor;
    const int failure = errno;
    ::close(descriptor);
    errno = failure;
    return -1;
}

int listen_on(std::uint16_t port, int flags) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const sockaddr_in address = to_sockaddr({}, port);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        ::listen(descriptor, 4096) == 0)
        return descriptor;
    const int failure = errno;
    ::close(descriptor);
    errno = failure;
    return -1;
}

}  // namespace understudy::bench
