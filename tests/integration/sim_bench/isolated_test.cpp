// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/isolated.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/io/interrupt.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::bench {
namespace {

constexpr int limit_ms = 60'000;

// One byte, or the end once no process has the writing end any more; -1 when the limit has passed.
ssize_t next_byte(int pipe) {
    pollfd waiting{pipe, POLLIN, 0};
    if (::poll(&waiting, 1, limit_ms) <= 0) return -1;
    char byte;
    return ::read(pipe, &byte, 1);
}

class Isolated : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
        reading_.reset(ends_[0]);
        writing_.reset(ends_[1]);
        const auto possible = run_isolated("test", {}, "", [] { return Result<void>(); });
        if (possible.has_error() && possible.error().kind == ErrorKind::environment)
            GTEST_SKIP() << possible.error().message();
    }

    // What a bench is like: a process that it started, a mount, and something that takes long.
    Result<void> work_for_ever() const {
        if (::mount("tmpfs", "/run", "tmpfs", 0, "") != 0) return system_error("/run", errno);
        const bool child = ::fork() == 0;
        if (!child && ::write(writing_.get(), "x", 1) != 1) return system_error("pipe", errno);
        while (true) ::pause();
    }

    // A caller of run_isolated() is sent `signal` while the work goes on; its status.
    int end_caller_with(int signal) {
        const pid_t caller = ::fork();
        if (caller == 0) {
            io::catch_interrupts();
            const auto outcome = run_isolated("test", {}, "", [this] { return work_for_ever(); });
            ::_exit(outcome.has_error() && outcome.error().reason == "interrupted" ? 42 : 1);
        }
        writing_.reset();
        EXPECT_EQ(next_byte(reading_.get()), 1) << "the work has not begun";
        ::kill(caller, signal);
        int status = 0;
        ::waitpid(caller, &status, 0);
        return status;
    }

    std::array<int, 2> ends_{};
    io::UniqueFd reading_, writing_;
};

TEST_F(Isolated, an_error_of_the_body_comes_back_as_one_of_its_kind) {
    const auto outcome = run_isolated(
        "test", {}, "look there", [] { return Result<void>(Error(ErrorKind::timeout, "body", "waited")); });
    ASSERT_TRUE(outcome.has_error());
    EXPECT_EQ(outcome.error().kind, ErrorKind::timeout);
    EXPECT_EQ(outcome.error().message(), "bench test: ended early; look there");
}

TEST_F(Isolated, what_the_body_started_ends_with_it) {
    const auto outcome = run_isolated("test", {}, "", [] {
        if (::fork() == 0)
            while (true) ::pause();
        return Result<void>();
    });
    EXPECT_TRUE(outcome.has_value());
    writing_.reset();
    EXPECT_EQ(next_byte(reading_.get()), 0) << "a process of the sandbox lives on";
}

TEST_F(Isolated, an_interrupt_ends_all_of_it_and_is_said) {
    const int status = end_caller_with(SIGINT);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_EQ(next_byte(reading_.get()), 0) << "a process of the sandbox lives on";
}

TEST_F(Isolated, the_death_of_the_caller_ends_all_of_it) {
    EXPECT_TRUE(WIFSIGNALED(end_caller_with(SIGKILL)));
    EXPECT_EQ(next_byte(reading_.get()), 0) << "a process of the sandbox lives on";
}

}  // namespace
}  // namespace understudy::bench
