// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "tests/support/paths.hpp"

namespace understudy::test {
namespace {

namespace fs = std::filesystem;

// Reads what is there; false at the end of the stream.
bool drain(int descriptor, std::string& into) {
    char bytes[16384];
    const ssize_t count = ::read(descriptor, bytes, sizeof(bytes));
    if (count > 0) into.append(bytes, static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

int status_of(int raw) {
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

[[noreturn]] void become(const std::vector<std::string>& argv, const RunOptions& options, int out, int err) {
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
    const fs::path directory =
        options.working_directory.empty() ? source_directory() : options.working_directory;
    if (::chdir(directory.c_str()) != 0) ::_exit(126);
    std::vector<char*> pointers;
    for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
}

}  // namespace

Outcome run(const std::vector<std::string>& argv, const RunOptions& options) {
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
        throw std::runtime_error("pipe2 failed");
    const pid_t child = ::fork();
    if (child == 0) become(argv, options, out[1], err[1]);
    ::close(out[1]);
    ::close(err[1]);
    Outcome outcome;
    const auto end = std::chrono::steady_clock::now() + options.limit;
    pollfd streams[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    int raw = 0;
    bool reaped = false;
    while (!reaped || streams[0].fd >= 0 || streams[1].fd >= 0) {
        if (std::chrono::steady_clock::now() >= end) {
            outcome.timed_out = true;
            if (!reaped) {
                ::kill(child, SIGKILL);
                ::waitpid(child, &raw, 0);
            }
            break;
        }
        ::poll(streams, 2, 20);
        if ((streams[0].revents & (POLLIN | POLLHUP)) != 0 && !drain(out[0], outcome.out)) streams[0].fd = -1;
        if ((streams[1].revents & (POLLIN | POLLHUP)) != 0 && !drain(err[0], outcome.err)) streams[1].fd = -1;
        if (!reaped && ::waitpid(child, &raw, WNOHANG) == child) {
            reaped = true;
            // What a daemon keeps open of its starter's streams is not waited for.
            while (::poll(streams, 2, 0) > 0) {
                if (streams[0].fd >= 0 && (streams[0].revents & (POLLIN | POLLHUP)) != 0 &&
                    !drain(out[0], outcome.out))
                    streams[0].fd = -1;
                if (streams[1].fd >= 0 && (streams[1].revents & (POLLIN | POLLHUP)) != 0 &&
                    !drain(err[0], outcome.err))
                    streams[1].fd = -1;
            }
            break;
        }
    }
    ::close(out[0]);
    ::close(err[0]);
    outcome.status = status_of(raw);
    return outcome;
}

}  // namespace understudy::test
