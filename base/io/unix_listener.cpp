// SPDX-License-Identifier: Apache-2.0
#include "base/io/unix_listener.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "base/io/unix_socket.hpp"

namespace understudy::io {

namespace asio = boost::asio;

Result<UnixListener> UnixListener::open(asio::any_io_executor executor, const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return Error(ErrorKind::environment, path, "is too long for a socket's path")
            .with_number(static_cast<std::int64_t>(path.size()))
            .with_remedy("choose a path of at most 107 bytes");
    const auto answered = connect_unix(path);
    if (answered.has_value())
        return Error(ErrorKind::environment, path, "another process listens there")
            .with_remedy("end it, or choose another path");
    if (answered.error().number == ECONNREFUSED) ::unlink(path.c_str());
    Acceptor acceptor(std::move(executor));
    boost::system::error_code failure;
    acceptor.open(asio::local::stream_protocol(), failure);
    // No moment at which others could connect: the mask holds from bind(2) on.
    const mode_t before = ::umask(0177);
    if (!failure) acceptor.bind(asio::local::stream_protocol::endpoint(path), failure);
    ::umask(before);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
        return Error(ErrorKind::environment, path, "cannot listen: " + failure.message())
            .with_number(failure.value());
    return UnixListener(std::move(acceptor), path);
}

UnixListener::~UnixListener() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace understudy::io
