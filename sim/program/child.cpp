// SPDX-License-Identifier: Apache-2.0
#include "sim/program/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/assert.hpp"

namespace understudy::program {
namespace {

[[noreturn]] void become(std::vector<char*>& arguments, pid_t parent, int report) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before the line above
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvp(arguments[0], arguments.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(report, &error, sizeof(error));
    ::_exit(127);
}

}  // namespace

Result<Child> start_child(const std::vector<std::string>& command) {
    UNDERSTUDY_ASSERT(!command.empty(), "a command has at least its name");
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(command.front(), errno);
    const io::UniqueFd report(ends[0]);
    io::UniqueFd theirs(ends[1]);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    Child child;
    child.pid = ::fork();
    if (child.pid < 0) return system_error(command.front(), errno);
    if (child.pid == 0) become(arguments, parent, theirs.get());
    theirs.reset();
    int error = 0;
    if (::read(report.get(), &error, sizeof(error)) == sizeof(error)) {
        ::waitpid(child.pid, nullptr, 0);
        return system_error(command.front(), error, ErrorKind::environment);
    }
    child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    if (!child.pidfd.valid()) return system_error(command.front(), errno);
    return child;
}

void signal_child(const Child& child, int signal) {
    ::kill(child.pid, signal);
}

int reap_child(const Child& child) {
    int status = 0;
    UNDERSTUDY_ASSERT(::waitpid(child.pid, &status, 0) == child.pid, "a child is reaped once");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace understudy::program
