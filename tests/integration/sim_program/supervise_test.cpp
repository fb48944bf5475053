// SPDX-License-Identifier: Apache-2.0
#include "sim/program/supervise.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/event.hpp"
#include "base/io/free_port.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::program {
namespace {

constexpr int limit_ms = 20'000;  // against hangs

// Runs in a process of its own, as understudy-run does, with its events on a pipe.
class Supervised : public testing::Test {
  protected:
    void start(const Supervision& supervision) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        events_.reset(ends[0]);
        pid_ = ::fork();
        ASSERT_GE(pid_, 0);
        session_ = pid_;
        if (pid_ == 0) {
            ::setsid();  // as the host's agent does with a unit
            io::EventWriter writer("node", ends[1]);
            const auto ended = supervise(supervision, writer);
            ::_exit(ended.has_value() ? *ended : 99);
        }
        ::close(ends[1]);
    }
    void TearDown() override {
        ::kill(-session_, SIGKILL);
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    }

    int wait_for_end() {
        const io::UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
        pollfd wait{ended.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&wait, 1, limit_ms), 1) << "it doesn't end";
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return -1;
        pid_ = -1;
        return WEXITSTATUS(status);
    }

    Event next_event() {
        while (text_.find('\n') == std::string::npos) {
            pollfd wait{events_.get(), POLLIN, 0};
            if (::poll(&wait, 1, limit_ms) != 1) return {"", "none within the limit", "", {}};
            char buffer[4096];
            const ssize_t count = ::read(events_.get(), buffer, sizeof(buffer));
            if (count <= 0) return {"", "end", "", {}};
            text_.append(buffer, static_cast<std::size_t>(count));
        }
        const std::size_t end = text_.find('\n');
        const auto event = event_from_json_line(text_.substr(0, end));
        text_.erase(0, end + 1);
        return event.has_value() ? *event : Event{"", event.error().message(), "", {}};
    }

    pid_t pid_ = -1;

  private:
    pid_t session_ = -1;
    io::UniqueFd events_;
    std::string text_;
};

TEST_F(Supervised, the_programs_exit_status_is_passed_on) {
    start({{"sh", "-c", "exit 7"}, {}, {}});
    EXPECT_EQ(next_event().name, "starting");
    EXPECT_EQ(next_event().name, "ready");
    EXPECT_EQ(wait_for_end(), 7);
}

TEST_F(Supervised, a_signal_that_ends_the_program_is_told_as_128_and_its_number) {
    start({{"sh", "-c", "kill -9 $$"}, {}, {}});
    EXPECT_EQ(wait_for_end(), 128 + SIGKILL);
}

TEST_F(Supervised, a_command_that_is_not_there_is_an_error_and_nothing_was_started) {
    start({{"no-such-command"}, {}, {}});
    EXPECT_EQ(next_event().name, "end");
    EXPECT_EQ(wait_for_end(), 99);
}

TEST_F(Supervised, the_working_directory_is_made_when_missing) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("understudy-run-" + std::to_string(::getpid()));
    start({{"touch", "here"}, {}, (directory / "below").string()});
    EXPECT_EQ(wait_for_end(), 0);
    EXPECT_TRUE(std::filesystem::exists(directory / "below" / "here"));
    std::filesystem::remove_all(directory);
}

TEST_F(Supervised, the_host_is_active_while_the_program_listens) {
    const std::uint16_t port = io::free_port();
    const std::string number = std::to_string(port);
    // Listens for one connection, then lives on without the port.
    start({{"sh", "-c", "busybox nc -l -p " + number + " </dev/null; sleep 1000"}, port, {}});
    EXPECT_EQ(next_event().name, "starting");
    const Event active = next_event();
    EXPECT_EQ(active.name, "active");
    EXPECT_EQ(integer_attribute(active, "port"), port);
    const io::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(next_event().name, "stopped");
}

TEST_F(Supervised, a_termination_signal_reaches_the_program) {
    start({{"sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.01; done"}, {}, {}});
    EXPECT_EQ(next_event().name, "starting");
    EXPECT_EQ(next_event().name, "ready");
    // Until the shell has set its trap the signal may end it the plain way.
    ::kill(pid_, SIGTERM);
    const int status = wait_for_end();
    EXPECT_TRUE(status == 3 || status == 128 + SIGTERM) << status;
}

TEST_F(Supervised, killing_the_supervisor_kills_the_program) {
    start({{"sleep", "1000"}, {}, {}});
    const Event starting = next_event();
    ASSERT_EQ(starting.name, "starting");
    const pid_t program = std::stoi(starting.detail.substr(starting.detail.rfind(' ') + 1));
    const io::UniqueFd alive(static_cast<int>(::syscall(SYS_pidfd_open, program, 0)));
    ASSERT_TRUE(alive.valid()) << starting.detail;
    ::kill(pid_, SIGKILL);
    pollfd wait{alive.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, limit_ms), 1) << "the program lives on";
}

}  // namespace
}  // namespace understudy::program
