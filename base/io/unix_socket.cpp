// SPDX-License-Identifier: Apache-2.0
#include "base/io/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace understudy::io {

Result<UniqueFd> connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return Error(ErrorKind::environment, path, "is too long for a socket's path")
            .with_number(static_cast<std::int64_t>(path.size()))
            .with_remedy("choose a shorter folder; for regions UNDERSTUDY_STATE_DIR sets it");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return system_error(path, errno, ErrorKind::environment);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        return system_error(path, errno);
    return socket;
}

}  // namespace understudy::io
