// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "lb/proxy/socket_options.hpp"
#include "lb/proxy/worker.hpp"

namespace understudy::lb {
namespace {

// Accepted in a row before the flows that are there have their turn.
constexpr int accepted_a_turn = 64;

// Clients that may wait to be accepted; the kernel takes net.core.somaxconn if that is less.
constexpr int backlog = 4096;

Error with_remedy(Endpoint endpoint, const std::string& rule, int error) {
    Error failure =
        system_error(fmt::format("rule '{}': {}", rule, to_string(endpoint)), error, ErrorKind::environment);
    if (error == EADDRINUSE)
        failure.remedy = fmt::format("end what listens there (ss -ltnp 'sport = :{}')", endpoint.port);
    if (error == EACCES) failure.remedy = "ports below 1024 need root or CAP_NET_BIND_SERVICE";
    if (error == EADDRNOTAVAIL)
        failure.remedy = "the frontend address must be on an interface of this machine";
    return failure;
}

Result<io::UniqueFd> bound(Endpoint endpoint, bool shared, const std::string& rule) {
    io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return with_remedy(endpoint, rule, errno);
    const int on = 1;
    const sockaddr_in address = to_sockaddr(endpoint);
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (shared && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return with_remedy(endpoint, rule, errno);
    return fd;
}

}  // namespace

Result<std::vector<io::UniqueFd>> listen_at(Endpoint endpoint, int count, const std::string& rule) {
    const bool shared = count > 1;
    if (shared)
        UNDERSTUDY_CHECK([&]() -> Result<void> {
            UNDERSTUDY_TRY(const io::UniqueFd alone, bound(endpoint, false, rule));
            return {};
        }());
    std::vector<io::UniqueFd> sockets;
    for (int i = 0; i < count; ++i) {
        UNDERSTUDY_TRY(io::UniqueFd socket, bound(endpoint, shared, rule));
        send_at_once(socket.get());
        if (::listen(socket.get(), backlog) != 0) return with_remedy(endpoint, rule, errno);
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

Listener::Listener(Worker& worker, Endpoint at, io::UniqueFd held)
    : endpoint(at), socket(std::move(held)), worker_(worker) {}

void Listener::on_ready(std::uint32_t) {
    for (int i = 0; i < accepted_a_turn; ++i) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        const int fd = ::accept4(socket.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            worker_.admit(rule, fd, from_sockaddr(address));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            // Out of descriptors or memory, mostly: wait for some to be given back rather than spin.
            worker_.pause(*this);
            return;
        }
    }
}

}  // namespace understudy::lb
