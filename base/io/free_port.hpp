// SPDX-License-Identifier: Apache-2.0
// A TCP port, for a server that a test or a bench starts, that nobody has bound on any address and that
// nobody takes until this process ends: it lies below the ports that Linux gives to clients
// (net.ipv4.ip_local_port_range begins at 32768), and an abstract Unix socket named after it keeps it from
// other processes that ask here. 0 when there is none. Threads: any.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/io/unique_fd.hpp"

namespace understudy::io {

constexpr std::uint16_t first_free_port = 20'000;
constexpr unsigned free_ports = 10'000;

// Whether no other process has taken it; if so it is this one's until it ends, with the descriptor that is
// left open here.
inline bool claim_port(std::uint16_t port) {
    const std::string name = "understudy-port-" + std::to_string(port);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    UniqueFd claim(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(claim.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return false;
    claim.release();
    return true;
}

inline bool can_bind(std::uint16_t port) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

inline std::uint16_t free_port() {
    static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 37u};
    for (unsigned tried = 0; tried < free_ports; ++tried) {
        const auto port = static_cast<std::uint16_t>(first_free_port + next++ % free_ports);
        if (claim_port(port) && can_bind(port)) return port;
    }
    return 0;
}

}  // namespace understudy::io
