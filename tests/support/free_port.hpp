// SPDX-License-Identifier: Apache-2.0
// A TCP port that nobody had bound on any address a moment ago; 0 when the machine has none to give.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "base/io/unique_fd.hpp"

namespace understudy::test {

inline std::uint16_t free_port() {
    const io::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), generic, length) != 0 || ::getsockname(socket.get(), generic, &length) != 0)
        return 0;
    return ntohs(address.sin_port);
}

}  // namespace understudy::test
