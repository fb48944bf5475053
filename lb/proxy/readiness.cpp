// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/readiness.hpp"

#include <algorithm>
#include <cerrno>

namespace understudy::lb {

Result<void> ReadinessSet::open() {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.valid()) return system_error("epoll_create1", errno, ErrorKind::environment);
    return {};
}

int ReadinessSet::watch(int fd, std::uint32_t events, ReadinessHandler& handler) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &handler;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int ReadinessSet::change(int fd, std::uint32_t events, ReadinessHandler& handler) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &handler;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

std::span<const epoll_event> ReadinessSet::wait(Duration limit) {
    // Rounded up: a wait that ends before the deadline it is for would be asked again at once.
    const auto milliseconds = std::clamp<std::int64_t>((limit.count() + 999'999) / 1'000'000, 0, 60'000);
    const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   static_cast<int>(milliseconds));
    return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace understudy::lb
