// SPDX-License-Identifier: Apache-2.0
#include "relay.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "storage/files/core/codec.hpp"

namespace understudy::files::testing {
namespace {

constexpr int look_again_ms = 2;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool send_all(int socket, const std::string& data) {
    for (std::size_t at = 0; at < data.size();) {
        const ssize_t sent = ::send(socket, data.data() + at, data.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += static_cast<std::size_t>(sent);
    }
    return true;
}

}  // namespace

Relay::Relay(std::uint16_t server_port)
    : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
    stop_ = true;
    thread_.join();
}

void Relay::run() {
    while (!stop_) {
        std::vector<pollfd> polled = {{listener_.get(), POLLIN, 0}};
        for (const auto& pair : pairs_)
            for (const Side* side : {&pair->client, &pair->server})
                polled.push_back({side->socket.get(), POLLIN, 0});
        ::poll(polled.data(), polled.size(), look_again_ms);
        if (end_.exchange(false)) {
            pairs_.clear();
            continue;
        }
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
            Pair& pair = *pairs_[i];
            bool alive = (polled[1 + 2 * i].revents == 0 || read(pair.client)) &&
                         (polled[2 + 2 * i].revents == 0 || read(pair.server)) &&
                         pass(pair.client, pair.server, false) && pass(pair.server, pair.client, hold_);
            if (!alive) pairs_[i].reset();
        }
        pairs_.erase(std::remove(pairs_.begin(), pairs_.end(), nullptr), pairs_.end());
        if (polled[0].revents != 0) accept();
    }
}

void Relay::accept() {
    auto pair = std::make_unique<Pair>();
    pair->client.socket.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    pair->server.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ++connections_;
    const sockaddr_in address = loopback(server_port_);
    if (::connect(pair->server.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
        0)
        pairs_.push_back(std::move(pair));
}

bool Relay::read(Side& from) {
    std::string part(65536, '\0');
    const ssize_t got = ::recv(from.socket.get(), part.data(), part.size(), 0);
    if (got <= 0) return false;
    from.unread.append(part, 0, static_cast<std::size_t>(got));
    return true;
}

// False: the connection is over.
bool Relay::pass(Side& from, Side& to, bool hold) {
    for (;;) {
        if (from.unread.size() < frame_header_bytes) break;
        const Result<std::uint32_t> size = frame_size(from.unread, max_message_bytes);
        if (size.has_error()) return false;
        if (from.unread.size() < *size) break;
        const auto type = static_cast<std::uint8_t>(from.unread[4]);
        ++seen_[type];
        std::uint8_t lost = type;
        if (lose_.compare_exchange_strong(lost, 0)) return false;
        from.held += from.unread.substr(0, *size);
        from.unread.erase(0, *size);
    }
    if (hold || from.held.empty()) return true;
    const bool sent = send_all(to.socket.get(), from.held);
    from.held.clear();
    return sent;
}

}  // namespace understudy::files::testing
