// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/sandbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/io/unique_fd.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {

// The exit status of a sandbox that runs `body`, or -1; skips where the machine forbids namespaces.
#define START_OR_SKIP(pid, options, body)                                \
    const Result<pid_t> pid = start_sandbox(options, body);              \
    if (pid.has_error() && pid.error().kind == ErrorKind::environment) { \
        GTEST_SKIP() << pid.error().message();                           \
    }                                                                    \
    ASSERT_TRUE(pid.has_value()) << pid.error().message()

int exit_status_of(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

TEST(Sandbox, the_body_runs_as_process_1_and_its_value_is_the_exit_status) {
    START_OR_SKIP(pid, {}, [] { return ::getpid() == 1 ? 42 : 1; });
    EXPECT_EQ(exit_status_of(*pid), 42);
}

TEST(Sandbox, the_user_stands_for_itself_and_executed_programs_keep_capabilities) {
    const uid_t user = ::getuid();
    START_OR_SKIP(pid, {}, [user] {
        if (::getuid() != user || ::geteuid() != user) return 2;
        const int status =
            std::system("grep -q '^CapEff:.*[1-9a-f]' /proc/self/status && hostname changed-inside");
        return WEXITSTATUS(status);
    });
    EXPECT_EQ(exit_status_of(*pid), 0);
}

TEST(Sandbox, proc_and_run_are_fresh_and_the_runtime_directory_is_there) {
    START_OR_SKIP(pid, {}, [] {
        const std::string runtime = std::getenv("XDG_RUNTIME_DIR");
        std::ofstream(runtime + "/probe") << "x";
        if (!std::filesystem::exists(runtime + "/probe")) return 2;
        if (std::filesystem::read_symlink("/proc/self") != "1") return 3;
        for (const auto& entry : std::filesystem::directory_iterator("/run")) {
            if (entry.path() != "/run/user") return 4;
        }
        return 0;
    });
    EXPECT_EQ(exit_status_of(*pid), 0);
    EXPECT_FALSE(std::filesystem::exists("/run/user/" + std::to_string(::getuid()) + "/probe"));
}

TEST(Sandbox, a_kept_directory_under_run_stays_the_same_directory) {
    const char* runtime = ::getuid() == 0 ? "/run" : std::getenv("XDG_RUNTIME_DIR");
    if (runtime == nullptr || ::access(runtime, W_OK) != 0)
        GTEST_SKIP() << "no writable directory under /run";
    const test::ScratchDirectory scratch(runtime);
    const std::string path = scratch.path();
    SandboxOptions options;
    options.keep_paths = {path};
    const auto started = start_sandbox(options, [path] {
        std::ofstream(path + "/written-inside") << "x";
        return 0;
    });
    const bool seen = started.has_value() && exit_status_of(*started) == 0 &&
                      std::filesystem::exists(path + "/written-inside");
    if (started.has_error() && started.error().kind == ErrorKind::environment)
        GTEST_SKIP() << started.error().message();
    EXPECT_TRUE(seen);
}

TEST(Sandbox, a_killed_sandbox_takes_every_process_with_it_within_two_seconds) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    START_OR_SKIP(pid, {}, [&ends] {
        // A grandchild in a session of its own holds the pipe open as long as it lives.
        if (::fork() == 0) {
            ::setsid();
            if (::fork() == 0) {
                [[maybe_unused]] const ssize_t written = ::write(ends[1], "x", 1);
                while (true) ::pause();
            }
            ::_exit(0);
        }
        while (true) ::pause();
        return 0;
    });
    ::close(ends[1]);
    const io::UniqueFd reading(ends[0]);
    char byte = 0;
    ASSERT_EQ(::read(reading.get(), &byte, 1), 1);
    ::kill(*pid, SIGKILL);
    pollfd gone{reading.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&gone, 1, 2000), 1);
    EXPECT_EQ(::read(reading.get(), &byte, 1), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(*pid, &status, 0), *pid);
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(Sandbox, an_exception_ends_it_and_does_not_come_out_as_a_second_caller) {
    START_OR_SKIP(pid, {}, []() -> int {
        std::freopen("/dev/null", "w", stderr);  // what the runtime says of it
        throw std::runtime_error("of the test's");
    });
    int status = 0;
    EXPECT_EQ(::waitpid(*pid, &status, 0), *pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

TEST(Sandbox, a_missing_kept_path_is_an_error_and_leaves_nothing_running) {
    SandboxOptions options;
    options.keep_paths = {"/run/understudy-that-is-not-there"};
    const auto started = start_sandbox(options, [] { return 0; });
    ASSERT_TRUE(started.has_error());
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Sandbox, process_1_reaps_orphans_but_not_those_it_keeps) {
    START_OR_SKIP(pid, {}, [] {
        const pid_t kept = ::fork();
        if (kept == 0) ::_exit(7);
        const pid_t orphan = ::fork();
        if (orphan == 0) ::_exit(0);
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(orphan), &info, WEXITED | WNOWAIT);
        ::waitid(P_PID, static_cast<id_t>(kept), &info, WEXITED | WNOWAIT);
        reap_orphans({kept});
        if (::waitpid(orphan, nullptr, WNOHANG) != -1) return 2;
        int status = 0;
        return ::waitpid(kept, &status, WNOHANG) == kept && WEXITSTATUS(status) == 7 ? 0 : 3;
    });
    EXPECT_EQ(exit_status_of(*pid), 0);
}

}  // namespace
}  // namespace understudy::vmctl
