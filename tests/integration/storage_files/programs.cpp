// SPDX-License-Identifier: Apache-2.0
#include "programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/io/clock.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/paths.hpp"

namespace understudy::files::testing {

std::string why_not() {
    if (::access("/dev/fuse", R_OK | W_OK) != 0) return "/dev/fuse can't be opened";
    static const bool own_mounts =
        ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return own_mounts ? "" : "mounting needs CAP_SYS_ADMIN";
}

Program::Program(std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    arguments[0] = test::program(arguments[0]);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        int kept = ::dup(ends[1]);
        ::setenv("UNDERSTUDY_EVENTS_FD", std::to_string(kept).c_str(), 1);
        ::execv(raw[0], raw.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    events_end_.reset(ends[0]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    reader_ = std::thread([this] { read_until_ended(); });
}

Program::~Program() {
    if (pid_ > 0) {
        ::kill(pid_, SIGCONT);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ended_ = true;
    reader_.join();
}

void Program::signal(int number) const {
    ::kill(pid_, number);
}

int Program::wait() {
    int status = 0;
    bool ended = test::eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) return -2;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<Event> Program::events() {
    const std::lock_guard lock(mutex_);
    take_events();
    return events_;
}

std::size_t Program::count(const std::string& name) {
    const std::lock_guard lock(mutex_);
    take_events();
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
}

void Program::read_until_ended() {
    while (!ended_) {
        pollfd ready{events_end_.get(), POLLIN, 0};
        if (::poll(&ready, 1, 20) != 1) continue;
        if ((ready.revents & POLLIN) == 0) return;
        const std::lock_guard lock(mutex_);
        take_events();
    }
}

void Program::take_events() {
    char buffer[65536];
    for (ssize_t count; (count = ::read(events_end_.get(), buffer, sizeof buffer)) > 0;)
        unread_.append(buffer, static_cast<std::size_t>(count));
    std::size_t at = 0;
    for (std::size_t end; (end = unread_.find('\n', at)) != std::string::npos; at = end + 1)
        if (Result<Event> event = event_from_json_line(unread_.substr(at, end - at)); event.has_value()) {
            ++counts_[event->name];
            events_.push_back(std::move(*event));
        }
    unread_.erase(0, at);
}

Child::Child(const std::function<int()>& work) {
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(work());
}

Child::~Child() {
    if (reaped_) return;
    kill();
    has_ended(5s);
}

void Child::kill() const {
    ::kill(pid_, SIGKILL);
}

bool Child::has_ended(Duration limit) {
    reaped_ = reaped_ || test::eventually([&] { return ::waitpid(pid_, &status_, WNOHANG) == pid_; }, limit);
    return reaped_;
}

Directory::~Directory() {
    for (const char* mountpoint : {"a", "b"}) ::umount2(path(mountpoint).c_str(), MNT_DETACH);
}

}  // namespace understudy::files::testing
