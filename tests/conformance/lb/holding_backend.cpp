// SPDX-License-Identifier: Apache-2.0
#include "holding_backend.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "base/address.hpp"
#include "lb/proxy/socket_options.hpp"

namespace understudy::lb::conformance {
namespace {

void watch(const io::UniqueFd& epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event), 0) << errno;
}

}  // namespace

HoldingBackend::HoldingBackend(const std::string& address, std::uint16_t port)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const sockaddr_in at = to_sockaddr({*parse_address(address), port});
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << errno;
    EXPECT_EQ(::listen(listener_.get(), 4096), 0) << errno;
    watch(epoll_, listener_.get());
    watch(epoll_, stop_.get());
    thread_ = std::thread([this] { serve(); });
}

HoldingBackend::~HoldingBackend() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

void HoldingBackend::serve() {
    std::map<int, io::UniqueFd> held;
    epoll_event events[64];
    while (true) {
        const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd == stop_.get()) return;
            if (fd == listener_.get()) {
                io::UniqueFd made(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
                if (!made.valid()) continue;
                watch(epoll_, made.get());
                const int number = made.get();
                held.emplace(number, std::move(made));
                continue;
            }
            char buffer[4096];
            const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
            if (size <= 0 || ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
                held.erase(fd);
        }
    }
}

}  // namespace understudy::lb::conformance
