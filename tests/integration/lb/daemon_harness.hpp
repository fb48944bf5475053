// SPDX-License-Identifier: Apache-2.0
// understudy-lb as a child process of a test, its events and what it writes to stderr, and a fixture with a
// folder for its configuration.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "harness.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::lb {

class Daemon {
  public:
    // `open_files`: RLIMIT_NOFILE of the daemon; 0 leaves it.
    Daemon(std::vector<std::string> arguments, const std::string& folder, rlim_t open_files = 0)
        : errors_path_(folder + "/stderr") {
        const std::string program = test::program("understudy-lb");
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        io::UniqueFd events_in(ends[1]);
        std::vector<char*> argv{const_cast<char*>(program.c_str())};
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        const std::string descriptor = std::to_string(ends[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            const int errors = ::open(errors_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(errors, 2);
            ::dup2(errors, 1);
            ::fcntl(ends[1], F_SETFD, 0);
            ::setenv("UNDERSTUDY_EVENTS_FD", descriptor.c_str(), 1);
            const rlimit limit{open_files, open_files};
            if (open_files != 0) ::setrlimit(RLIMIT_NOFILE, &limit);
            ::execv(program.c_str(), argv.data());
            ::_exit(127);
        }
        events_in.reset();
        events_ = std::make_unique<EventLog>(io::UniqueFd(ends[0]));
    }
    ~Daemon() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }

    int exit_status() {
        int status = 0;
        const auto end = std::chrono::steady_clock::now() + patience;
        while (::waitpid(pid_, &status, WNOHANG) == 0) {
            if (std::chrono::steady_clock::now() > end) return -1;
            std::this_thread::sleep_for(1ms);
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::string errors() const { return test::content_of(errors_path_); }
    void reload() { ::kill(pid_, SIGHUP); }
    void terminate() { ::kill(pid_, SIGTERM); }
    EventLog& events() { return *events_; }

  private:
    std::string errors_path_;
    pid_t pid_ = -1;
    std::unique_ptr<EventLog> events_;
};

class DaemonTest : public ::testing::Test {
  protected:
    std::string written(const std::string& text) { return scratch_.write("lb.yaml", text); }
    const test::ScratchDirectory scratch_;
    const std::string folder_ = scratch_.path();
};

}  // namespace understudy::lb
