// SPDX-License-Identifier: Apache-2.0
#include "peer.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "storage/files/core/codec.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

constexpr int limit_s = 20;

sockaddr_in loopback(std::uint32_t address, std::uint16_t port) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(address);
    in.sin_port = htons(port);
    return in;
}

}  // namespace

Server::Server(const std::string& exports, const std::string& more) {
    std::string text = "listen: 127.0.0.1:" + std::to_string(port_) + "\nexports: " + exports + "\n" + more;
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$'))
        text.replace(at, 1, directory_.path());
    std::ofstream(directory_.path("files.yaml")) << text;
    program_ = std::make_unique<Program>(
        std::vector<std::string>{"understudy-files", "--config", directory_.path("files.yaml")});
    started_ = test::eventually([&] { return program_->count("ready") == 1; });
}

Peer::Peer(std::uint16_t port, std::uint32_t address) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval limit{limit_s, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in from = loopback(address, 0), to = loopback(INADDR_LOOPBACK, port);
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) socket_.reset();
}

bool Peer::read_exactly(std::string& into, std::size_t count) {
    into.resize(count);
    for (std::size_t at = 0; at < count;) {
        const ssize_t got = ::recv(socket_.get(), into.data() + at, count - at, 0);
        if (got <= 0) {
            errno = got == 0 ? ECONNRESET : errno == EAGAIN ? ETIMEDOUT : errno;
            return false;
        }
        at += static_cast<std::size_t>(got);
    }
    return true;
}

Body Peer::ask(Body request) {
    const auto failed = [] { return Rlerror{static_cast<std::uint32_t>(errno)}; };
    const std::uint16_t tag = std::holds_alternative<Tversion>(request) ? no_tag : next_tag_++;
    const std::string frame = encode({tag, std::move(request)});
    if (::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()))
        return failed();
    while (true) {
        std::string header, rest;
        if (!read_exactly(header, 4)) return failed();
        const Result<std::uint32_t> size = frame_size(header, max_message_bytes);
        if (size.has_error() || !read_exactly(rest, *size - 4)) return failed();
        Result<Message> message = decode(header + rest);
        if (message.has_error()) return Rlerror{EPROTO};
        if (message->tag == tag) return std::move(message->body);
    }
}

Body Peer::attach(const std::string& user, const std::string& share) {
    Body version = ask(Tversion{max_message_bytes, "9P2000.L"});
    if (!std::holds_alternative<Rversion>(version)) return version;
    return ask(Tattach{0, no_fid, user, share, no_user});
}

}  // namespace understudy::files::testing
