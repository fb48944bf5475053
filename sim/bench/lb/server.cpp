// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/server.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "sim/bench/sockets.hpp"

namespace understudy::bench {
namespace {

struct Listener {
    int descriptor = -1;
    std::uint16_t port = 0;
};

std::string answer() {
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";
    const std::size_t body = answer_bytes - text.size() - 2 - 4;  // two digits and the empty line
    text += std::to_string(body) + "\r\n\r\n";
    text.append(body, 'x');
    return text;
}

class Server {
  public:
    explicit Server(std::string name) : name_(std::move(name) + "\n"), epoll_(::epoll_create1(0)) {}

    int run() {
        for (const std::uint16_t port : {answer_port, bulk_port, name_port}) {
            const int descriptor = listen_on(port, SOCK_NONBLOCK);
            if (descriptor < 0) {
                std::perror("understudy-bench: server: listen");
                return 1;
            }
            listeners_.push_back({descriptor, port});
            watch(descriptor, EPOLLIN);
        }
        std::array<epoll_event, 256> ready;
        while (true) {
            const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
            for (int i = 0; i < count; ++i) handle(ready[static_cast<std::size_t>(i)]);
        }
    }

  private:
    void watch(int descriptor, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        event.data.fd = descriptor;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }

    void handle(const epoll_event& event) {
        for (const Listener& listener : listeners_)
            if (listener.descriptor == event.data.fd) return accept_all(listener);
        if ((event.events & EPOLLOUT) != 0) return send_bulk(event.data.fd);
        std::array<char, 4096> buffer;
        const ssize_t size = ::recv(event.data.fd, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) {
            ::close(event.data.fd);
            return;
        }
        if (size >= 4 && std::memcmp(buffer.data() + size - 4, "\r\n\r\n", 4) == 0)
            ::send(event.data.fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }

    void accept_all(const Listener& listener) {
        while (true) {
            const int accepted =
                ::accept4(listener.descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted < 0) return;
            const int on = 1;
            ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            if (listener.port == name_port) {
                ::send(accepted, name_.data(), name_.size(), MSG_NOSIGNAL);
                ::close(accepted);
            } else {
                watch(accepted, listener.port == bulk_port ? EPOLLOUT : EPOLLIN);
            }
        }
    }

    void send_bulk(int descriptor) const {
        static const std::vector<char> bytes(256 * 1024, 'x');
        const ssize_t size = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) ::close(descriptor);
    }

    std::string name_;
    const std::string answer_ = answer();
    int epoll_;
    std::vector<Listener> listeners_;
};

}  // namespace

int serve(const std::string& name) {
    return Server(name).run();
}

}  // namespace understudy::bench
