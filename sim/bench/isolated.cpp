// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/isolated.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/io/interrupt.hpp"
#include "base/io/unique_fd.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::bench {
namespace {

// The reading end of a pipe whose writing end only the caller has: when that one dies, so does this process.
void end_with(int pipe) {
    std::thread([pipe] {
        char nothing;
        while (::read(pipe, &nothing, 1) < 0 && errno == EINTR) continue;
        ::_exit(1);
    }).detach();
}

ErrorKind kind_of(int status) {
    for (const ErrorKind kind : {ErrorKind::bad_input, ErrorKind::environment, ErrorKind::timeout})
        if (WIFEXITED(status) && WEXITSTATUS(status) == exit_status(kind)) return kind;
    return ErrorKind::failed;
}

}  // namespace

Result<void> run_isolated(const std::string& name, const std::vector<std::string>& keep_paths,
                          const std::string& hint, const std::function<Result<void>()>& body) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    io::UniqueFd reading(ends[0]), writing(ends[1]);
    UNDERSTUDY_TRY(const pid_t child, vmctl::start_sandbox({"bench", keep_paths}, [&] {
                       writing.reset();
                       end_with(reading.get());
                       const auto outcome = body();
                       std::fflush(stdout);
                       if (outcome.has_value()) return 0;
                       fmt::print(stderr, "understudy-bench: {}\n", outcome.error().message());
                       return exit_status(outcome.error().kind);
                   }));
    const io::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (!process.valid()) {
        const int failure = errno;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        return system_error("bench " + name, failure);
    }
    constexpr int look_every_ms = 200;  // an interrupt just before poll() doesn't wake it
    pollfd ended{process.get(), POLLIN, 0};
    while (!io::interrupted() && ::poll(&ended, 1, look_every_ms) <= 0) continue;
    const bool interrupted = ended.revents == 0;
    if (interrupted) ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (interrupted) return Error(ErrorKind::failed, "bench " + name, "interrupted");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error(kind_of(status), "bench " + name, "ended early; " + hint);
}

}  // namespace understudy::bench
