// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/assert.hpp"
#include "base/io/clock.hpp"
#include "base/io/unique_fd.hpp"

extern char** environ;

namespace understudy::vmctl {
namespace {

constexpr std::size_t max_output_bytes = 1u << 20;
constexpr Duration death_limit = 500ms;

// Spawned with default signals: a daemon blocks some, and a child would inherit that.
Result<pid_t> spawn(const std::vector<std::string>& arguments, int output) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t child = -1;
    const int error = ::posix_spawnp(&child, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return system_error(arguments[0], error, ErrorKind::environment);
    return child;
}

// Whether output ended (the program closed it) before the deadline.
bool read_until_end(int descriptor, std::string& output, Instant deadline) {
    char buffer[16384];
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - io::monotonic_now()).count();
        pollfd readable{descriptor, POLLIN, 0};
        if (left <= 0) return false;
        if (::poll(&readable, 1, static_cast<int>(left)) < 0 && errno != EINTR) return false;
        if (readable.revents == 0) continue;
        const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
        if (got == 0) return true;
        if (got < 0) return errno != EINTR;
        if (output.size() < max_output_bytes) output.append(buffer, static_cast<std::size_t>(got));
    }
}

bool wait_until(pid_t child, int& status, Instant deadline) {
    for (;;) {
        const pid_t waited = ::waitpid(child, &status, WNOHANG);
        if (waited == child || (waited < 0 && errno == ECHILD)) return true;
        if (io::monotonic_now() >= deadline) return false;
        ::usleep(1000);
    }
}

}  // namespace

Result<ProgramResult> run_program(const std::vector<std::string>& arguments, Duration limit) {
    UNDERSTUDY_ASSERT(!arguments.empty(), "a program has a name");
    const Instant deadline = io::monotonic_now() + limit;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(arguments[0], errno);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    UNDERSTUDY_TRY(const pid_t child, spawn(arguments, writing.get()));
    writing.reset();
    ProgramResult result;
    int status = 0;
    if (!read_until_end(reading.get(), result.output, deadline) || !wait_until(child, status, deadline)) {
        ::kill(child, SIGKILL);
        wait_until(child, status, io::monotonic_now() + death_limit);
        return Error(ErrorKind::timeout, arguments[0], "did not end within " + format_duration(limit));
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

}  // namespace understudy::vmctl
