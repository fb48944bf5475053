// SPDX-License-Identifier: Apache-2.0
#include "sockets_of_test.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace understudy::lb {
namespace {

sockaddr_in address_of(const std::string& address, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Peer::Peer(io::UniqueFd fd) : fd_(std::move(fd)) {
    const timeval limit{std::chrono::seconds(patience).count(), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Peer Peer::connect(const std::string& address, std::uint16_t port) {
    Peer peer(io::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    const auto target = address_of(address, port);
    if (::connect(peer.fd(), generic(target), sizeof target) != 0) peer.fd_.reset();
    return peer;
}

bool Peer::send(const std::string& data) {
    for (std::size_t at = 0; at < data.size();) {
        const ssize_t sent = ::send(fd(), data.data() + at, data.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += static_cast<std::size_t>(sent);
    }
    return true;
}

std::string Peer::read_line() {
    std::string line;
    for (char c = 0; c != '\n' && ::recv(fd(), &c, 1, 0) == 1;) line += c;
    return line;
}

std::string Peer::read_all() {
    std::string all;
    char buffer[65536];
    for (ssize_t size = 0; (size = ::recv(fd(), buffer, sizeof buffer, 0)) > 0;)
        all.append(buffer, static_cast<std::size_t>(size));
    return all;
}

int Peer::read_error() {
    char c = 0;
    return ::recv(fd(), &c, 1, 0) < 0 ? errno : 0;
}

void Peer::half_close() {
    ::shutdown(fd(), SHUT_WR);
}

TestBackend::TestBackend(std::string address, std::uint16_t port, Handler handler)
    : address_(std::move(address)), port_(port), handler_(std::move(handler)) {
    listen_again();
}

TestBackend::~TestBackend() {
    stop_listening();
    {
        const std::lock_guard lock(mutex_);
        for (Peer& peer : peers_) ::shutdown(peer.fd(), SHUT_RDWR);
    }
    for (std::thread& worker : workers_) worker.join();
}

void TestBackend::listen_again() {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = address_of(address_, port_);
    ASSERT_EQ(::bind(listener_.get(), generic(address), sizeof address), 0)
        << address_ << ":" << port_ << " errno " << errno;
    ASSERT_EQ(::listen(listener_.get(), 128), 0);
    listening_ = true;
    acceptor_ = std::thread([this] { serve(); });
}

void TestBackend::stop_listening() {
    if (!listening_.exchange(false)) return;
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    listener_.reset();
}

void TestBackend::serve() {
    while (listening_) {
        sockaddr_in client{};
        socklen_t size = sizeof client;
        io::UniqueFd fd(
            ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&client), &size, SOCK_CLOEXEC));
        if (!fd.valid()) return;
        char text[INET_ADDRSTRLEN] = {};
        ::inet_ntop(AF_INET, &client.sin_addr, text, sizeof text);
        const std::lock_guard lock(mutex_);
        last_client_ = text;
        // The descriptor stays open until the end of the test unless the handler closes it.
        Peer& peer = peers_.emplace_back(std::move(fd));
        workers_.emplace_back([this, &peer] { handler_(peer); });
    }
}

std::string TestBackend::last_client() const {
    const std::lock_guard lock(mutex_);
    return last_client_;
}

TestBackend::Handler echo(const std::string& name) {
    return [name](Peer& peer) {
        char buffer[65536];
        for (ssize_t size = 0; (size = ::recv(peer.fd(), buffer, sizeof buffer, 0)) > 0;) {
            std::string data(buffer, static_cast<std::size_t>(size));
            if (!peer.send(data == "who\n" ? name + "\n" : data)) return;
        }
        peer.half_close();
    };
}

}  // namespace understudy::lb
