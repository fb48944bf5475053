// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/child.hpp"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "vmctl/agent/core/codec.hpp"

namespace understudy::vmctl {
namespace {

constexpr int events_descriptor = 3;
constexpr int event_pipe_bytes = 1 << 20;

struct Pipe {
    io::UniqueFd read_end;
    io::UniqueFd write_end;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
    return Pipe{io::UniqueFd(ends[0]), io::UniqueFd(ends[1])};
}

void set_nonblocking(int descriptor) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

void restore_signals() {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int ignored : {SIGPIPE, SIGHUP, SIGINT, SIGTERM}) ::signal(ignored, SIG_DFL);
}

// In the child: the standard streams, perhaps the events pipe, nothing else; then the program.
[[noreturn]] void become(const ChildRequest& request, const std::array<int, 3>& streams, int events) {
    restore_signals();
    // Moved out of the way first, since a stream may already have a number that another is to get.
    std::array<int, 4> moved{};
    for (std::size_t i = 0; i < 3; ++i) moved[i] = ::fcntl(streams[i], F_DUPFD, 10);
    moved[3] = events >= 0 ? ::fcntl(events, F_DUPFD, 10) : -1;
    for (int i = 0; i < 3; ++i) ::dup2(moved[static_cast<std::size_t>(i)], i);
    if (moved[3] >= 0) {
        ::dup2(moved[3], events_descriptor);
        ::setenv("UNDERSTUDY_EVENTS_FD", std::to_string(events_descriptor).c_str(), 1);
    }
    ::close_range(moved[3] >= 0 ? 4 : 3, ~0U, 0);
    for (const auto& [name, value] : request.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(request.working_directory.empty() ? "/" : request.working_directory.c_str()) != 0) {
        ::dprintf(STDERR_FILENO, "understudy-agent: %s: no such directory\n",
                  request.working_directory.c_str());
        ::_exit(127);
    }
    std::vector<char*> arguments;
    for (const std::string& argument : request.argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::dprintf(STDERR_FILENO, "understudy-agent: %s: cannot be executed (%d)\n", arguments[0], errno);
    ::_exit(127);
}

Result<ExecProcess> spawn_on_terminal(const ChildRequest& request, int rows, int columns) {
    int master = -1, slave = -1;
    winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0)
        return system_error("pseudoterminal", errno);
    ::fcntl(master, F_SETFD, FD_CLOEXEC);
    ExecProcess process;
    process.tty = true;
    process.output.reset(master);
    const io::UniqueFd theirs(slave);
    process.pid = ::fork();
    if (process.pid < 0) return system_error(request.argv.front(), errno);
    if (process.pid == 0) {
        ::setsid();
        ::ioctl(slave, TIOCSCTTY, 0);
        become(request, {slave, slave, slave}, -1);
    }
    set_nonblocking(master);
    return process;
}

}  // namespace

Result<UnitProcess> spawn_unit(const ChildRequest& request) {
    UNDERSTUDY_TRY(auto output, make_pipe());
    UNDERSTUDY_TRY(auto events, make_pipe());
    ::fcntl(events.write_end.get(), F_SETPIPE_SZ, event_pipe_bytes);
    const io::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    UnitProcess process;
    process.pid = ::fork();
    if (process.pid < 0) return system_error(request.argv.front(), errno);
    if (process.pid == 0) {
        ::setsid();
        become(request, {nothing.get(), output.write_end.get(), output.write_end.get()},
               events.write_end.get());
    }
    process.output = std::move(output.read_end);
    process.events = std::move(events.read_end);
    set_nonblocking(process.output.get());
    set_nonblocking(process.events.get());
    return process;
}

Result<ExecProcess> spawn_exec(const ChildRequest& request, bool tty, int rows, int columns) {
    if (tty) return spawn_on_terminal(request, rows, columns);
    UNDERSTUDY_TRY(auto input, make_pipe());
    UNDERSTUDY_TRY(auto output, make_pipe());
    UNDERSTUDY_TRY(auto error, make_pipe());
    ExecProcess process;
    process.pid = ::fork();
    if (process.pid < 0) return system_error(request.argv.front(), errno);
    if (process.pid == 0) {
        ::setsid();
        become(request, {input.read_end.get(), output.write_end.get(), error.write_end.get()}, -1);
    }
    process.input = std::move(input.write_end);
    process.output = std::move(output.read_end);
    process.error = std::move(error.read_end);
    for (const int descriptor : {process.input.get(), process.output.get(), process.error.get()})
        set_nonblocking(descriptor);
    return process;
}

bool read_some(int descriptor, std::string& into) {
    char bytes[max_chunk_bytes];
    const ssize_t count = ::read(descriptor, bytes, sizeof(bytes));
    if (count > 0)
        into.assign(bytes, static_cast<std::size_t>(count));
    else
        into.clear();
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

void resize_terminal(int descriptor, int rows, int columns) {
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    ::ioctl(descriptor, TIOCSWINSZ, &size);
}

}  // namespace understudy::vmctl
