// SPDX-License-Identifier: Apache-2.0
// A client of the file service as a fuzzer has one: it sends whatever it is told to, and stops the program,
// which is the fuzzer's finding, when what comes back is no reply or nothing comes for 10 s.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/io/unique_fd.hpp"
#include "storage/files/core/codec.hpp"

namespace understudy::files {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "ninep_session: %s\n", what);
    std::abort();
}

class Peer {  // a connection as a client has it
  public:
    explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        int failure =
            ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        if (failure == EINTR) {  // by the fuzzer's timer: the connection is made all the same
            pollfd made{socket_.get(), POLLOUT, 0};
            while (::poll(&made, 1, -1) < 0 && errno == EINTR) continue;
            socklen_t size = sizeof failure;
            ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
        }
        require(failure == 0, std::strerror(failure));
    }
    void send(std::string_view bytes) {  // the other end may have closed already
        while (!bytes.empty()) {
            ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void finish() { ::shutdown(socket_.get(), SHUT_WR); }
    // The next reply; nothing at the end of the stream.
    std::optional<Message> receive() {
        std::string frame = exactly(4);
        if (frame.size() < 4) return std::nullopt;
        auto size = frame_size(frame, max_message_bytes);
        require(size.has_value(), "a reply has no proper size");
        frame += exactly(*size - 4);
        if (frame.size() < *size) return std::nullopt;  // cut off with its connection
        auto reply = decode(frame);
        require(reply.has_value(), "a reply can't be read");
        return std::move(*reply);
    }
    Body ask(Body request) {
        send(encode(
            {request.index() == Body(Tversion()).index() ? no_tag : std::uint16_t{1}, std::move(request)}));
        auto reply = receive();
        require(reply.has_value(), "the witness was cut off");
        return std::move(reply->body);
    }

  private:
    std::string exactly(std::size_t size) {
        std::string bytes(size, '\0');
        std::size_t done = 0;
        while (done < size) {
            pollfd wait = {socket_.get(), POLLIN, 0};
            const int ready = ::poll(&wait, 1, 10'000);
            if (ready < 0 && errno == EINTR) continue;  // libFuzzer's own alarm
            require(ready == 1, "no reply and no end for 10 s");
            ssize_t count = ::recv(socket_.get(), bytes.data() + done, size - done, 0);
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
        bytes.resize(done);
        return bytes;
    }
    io::UniqueFd socket_;
};

}  // namespace understudy::files
