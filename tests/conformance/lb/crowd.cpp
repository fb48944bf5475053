// SPDX-License-Identifier: Apache-2.0
#include "crowd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <vector>

#include "base/address.hpp"
#include "lb/proxy/socket_options.hpp"
#include "tests/integration/lb/sockets_of_test.hpp"

namespace understudy::lb::conformance {
namespace {

constexpr int control_place = 3;
constexpr int kept_place = 4;

struct Question {
    char what = 0;
    std::uint32_t number = 0;
};

io::UniqueFd listen_on(const std::string& address, std::uint16_t port) {
    io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in at = to_sockaddr({*parse_address(address), port});
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << errno;
    EXPECT_EQ(::listen(fd.get(), 4096), 0) << errno;
    return fd;
}

// In the child.
void hold(int control) {
    const io::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    };
    watch(control);
    watch(kept_place);
    epoll_event events[64];
    while (true) {
        const int count = ::epoll_wait(epoll.get(), events, 64, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd == control) return;
            if (fd == kept_place) {
                const int made = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
                if (made >= 0) watch(made);
                continue;
            }
            char buffer[4096];
            const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
            if (size <= 0 || ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
                ::close(fd);
        }
    }
}

// In the child.
void be_many(int control, Endpoint target) {
    const sockaddr_in to = to_sockaddr(target);
    std::vector<Peer> peers;
    Question question;
    while (::recv(control, &question, sizeof question, MSG_WAITALL) == ssize_t{sizeof question}) {
        std::uint32_t done = 0;
        for (std::uint32_t i = 0; question.what == 'o' && i < question.number; ++i) {
            Peer peer(io::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
            const sockaddr_in from = to_sockaddr({{0xc6336402U + i % 8}, 0});  // 198.51.100.2 to .9
            if (::bind(peer.fd(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
                ::connect(peer.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
                break;
            peers.push_back(std::move(peer));
            ++done;
        }
        for (std::size_t i = 0; question.what == 'p' && i < peers.size(); i += question.number)
            done += peers[i].send("ping\n") && peers[i].read_line() == "ping\n" ? 1 : 0;
        if (::send(control, &done, sizeof done, MSG_NOSIGNAL) != ssize_t{sizeof done}) return;
    }
}

}  // namespace

HelperProcess::HelperProcess(const std::function<void(int control)>& work, int kept) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        ADD_FAILURE() << "socketpair: errno " << errno;
        return;
    }
    control_.reset(ends[0]);
    const io::UniqueFd other(ends[1]);
    child_ = ::fork();
    if (child_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Clear of each other first: either may be in the other's place.
    const int control = ::fcntl(ends[1], F_DUPFD, 64);
    const int held = kept < 0 ? -1 : ::fcntl(kept, F_DUPFD, 64);
    ::dup2(control, control_place);
    if (held >= 0) ::dup2(held, kept_place);
    ::close_range(held >= 0 ? kept_place + 1 : control_place + 1, ~0U, 0);
    work(control_place);
    ::_exit(0);
}

HelperProcess::~HelperProcess() {
    if (child_ <= 0) return;
    ::shutdown(control_.get(), SHUT_RDWR);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::waitpid(child_, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end) ::kill(child_, SIGKILL);
        ::poll(nullptr, 0, 2);
    }
}

HoldingBackend::HoldingBackend(const std::string& address, std::uint16_t port)
    : listener_(listen_on(address, port)), process_(hold, listener_.get()) {
    listener_.reset();
}

Crowd::Crowd(const std::string& address, std::uint16_t port)
    : process_(
          [target = Endpoint{*parse_address(address), port}](int control) { be_many(control, target); }) {
    const timeval limit{60, 0};
    ::setsockopt(process_.control(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

std::uint32_t Crowd::open(std::uint32_t wanted) {
    return ask('o', wanted);
}

std::uint32_t Crowd::ping(std::uint32_t step) {
    return ask('p', step);
}

std::uint32_t Crowd::ask(char what, std::uint32_t number) {
    Question question;
    question.what = what;
    question.number = number;
    std::uint32_t answer = 0;
    if (::send(process_.control(), &question, sizeof question, MSG_NOSIGNAL) != ssize_t{sizeof question} ||
        ::recv(process_.control(), &answer, sizeof answer, MSG_WAITALL) != ssize_t{sizeof answer})
        ADD_FAILURE() << "the crowd doesn't answer: errno " << errno;
    return answer;
}

}  // namespace understudy::lb::conformance
