// SPDX-License-Identifier: Apache-2.0
// The real agent and the supervisor's link, joined by a socket pair: units, their order and restarts, events,
// logs, commands with and without a terminal, and the end of both. The agent is a child here, not process 1,
// and has no interface to set.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

#include "tests/support/paths.hpp"
#include "vmctl/agent/link.hpp"

namespace understudy::vmctl {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr auto limit = std::chrono::seconds(20);

struct Recorder : AgentHandler {
    void on_hello(const Hello& hello) override { hellos.push_back(hello.fresh); }
    void on_configured(const Result<void>& result) override {
        configured.push_back(result.has_value() ? "" : result.error().message());
    }
    void on_event(const std::string& unit, const Event& event) override {
        events.push_back(unit + " " + event.name);
    }
    void on_log(const std::string& unit, OutputStream, const std::string& bytes) override {
        logs += unit + ": " + bytes;
    }
    void on_unit_state(const UnitState& state) override { states.push_back(state); }
    void on_closed(const std::string& reason) override { closed = reason; }

    std::vector<bool> hellos;
    std::vector<std::string> configured, events;
    std::string logs, closed;
    std::vector<UnitState> states;
};

class Agent : public ::testing::Test {
  protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        const std::string program = test::program("understudy-agent");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::fcntl(ends[1], F_SETFD, 0);
            const std::string number = std::to_string(ends[1]);
            ::execl(program.c_str(), "understudy-agent", "--channel-fd", number.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        link_ = std::make_unique<AgentLink>(loop_.get_executor(), seen_);
        link_->start(io::UniqueFd(ends[0]));
        ASSERT_TRUE(until([this] { return !seen_.hellos.empty(); }));
    }

    void TearDown() override {
        link_.reset();
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    // Runs the loop until the condition holds; false when the limit passed.
    bool until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            loop_.restart();
            loop_.run_for(std::chrono::milliseconds(20));
        }
        return true;
    }

    void configure(std::vector<UnitSpec> units) {
        HostConfig config;
        config.units = std::move(units);
        ASSERT_TRUE(link_->configure(config).has_value());
        ASSERT_TRUE(until([this] { return !seen_.configured.empty(); }));
        ASSERT_EQ(seen_.configured.front(), "");
    }

    static UnitSpec shell_unit(const std::string& name, const std::string& script) {
        UnitSpec unit;
        unit.name = name;
        unit.argv = {"/bin/sh", "-c", script};
        unit.restart = RestartPolicy::never;
        return unit;
    }

    std::size_t count(const std::string& event) const {
        return static_cast<std::size_t>(std::count(seen_.events.begin(), seen_.events.end(), event));
    }

    struct Ran {
        std::string out, err;
        std::optional<int> status;
        std::string failure;
    };
    ExecId run(ExecRequest request, Ran& ran) {
        ExecCallbacks callbacks;
        callbacks.on_output = [&ran](OutputStream stream, const std::string& bytes) {
            (stream == OutputStream::standard_output ? ran.out : ran.err) += bytes;
        };
        callbacks.on_exit = [&ran](Result<int> status) {
            if (status.has_value())
                ran.status = *status;
            else
                ran.failure = status.error().message();
        };
        return *link_->exec(std::move(request), std::move(callbacks));
    }

    boost::asio::io_context loop_;
    Recorder seen_;
    std::unique_ptr<AgentLink> link_;
    pid_t pid_ = -1;
};

constexpr const char* say_ready =
    "echo '{\"source\":\"t\",\"event\":\"ready\"}' >&$UNDERSTUDY_EVENTS_FD; exec sleep 30";

TEST_F(Agent, a_fresh_agent_says_hello_once_and_takes_one_configuration) {
    EXPECT_EQ(seen_.hellos, std::vector<bool>{true});
    configure({});
    ASSERT_TRUE(link_->configure(HostConfig{}).has_value());
    ASSERT_TRUE(until([this] { return seen_.configured.size() == 2; }));
    EXPECT_THAT(seen_.configured[1], HasSubstr("configured already"));
}

TEST_F(Agent, a_unit_starts_only_when_what_it_requires_is_ready) {
    auto second = shell_unit("second", say_ready);
    second.requires_units = {"first"};
    configure({second, shell_unit("first", say_ready)});
    ASSERT_TRUE(until([this] { return count("second ready") == 1; }));
    const auto at = [this](const std::string& event) {
        return std::find(seen_.events.begin(), seen_.events.end(), event) - seen_.events.begin();
    };
    EXPECT_LT(at("first ready"), at("second ready"));
}

TEST_F(Agent, a_unit_that_ends_is_started_again_and_what_it_said_last_comes_before_the_word_of_its_end) {
    auto unit = shell_unit(
        "loop",
        "echo '{\"source\":\"t\",\"event\":\"last_words\"}' >&$UNDERSTUDY_EVENTS_FD; echo said; exit 3");
    unit.restart = RestartPolicy::always;
    unit.restart_delay = 10ms;
    configure({unit});
    ASSERT_TRUE(until([this] { return count("agent unit_exited") >= 3; }));
    EXPECT_THAT(seen_.logs, HasSubstr("loop: said\n"));
    std::size_t words = 0;
    for (const std::string& event : seen_.events) {
        if (event == "loop last_words") ++words;
        if (event == "agent unit_exited") {
            EXPECT_EQ(words, 1u);
            words = 0;
        }
    }
}

TEST_F(Agent, a_stopped_unit_stays_down_until_it_is_started_and_one_that_ignores_the_request_is_killed) {
    auto unit = shell_unit("stubborn", std::string("trap '' TERM; ") +
                                           "echo '{\"source\":\"t\",\"event\":\"ready\"}' "
                                           ">&$UNDERSTUDY_EVENTS_FD; while :; do sleep 30; done");
    unit.restart = RestartPolicy::always;
    unit.restart_delay = 1ms;
    unit.stop_timeout = 50ms;
    configure({unit});
    ASSERT_TRUE(until([this] { return count("stubborn ready") == 1; }));
    ASSERT_TRUE(link_->stop_unit("stubborn").has_value());
    ASSERT_TRUE(until(
        [this] { return !seen_.states.empty() && seen_.states.back().state == UnitStateName::stopped; }));
    EXPECT_EQ(count("stubborn ready"), 1u);
    ASSERT_TRUE(link_->start_unit("stubborn").has_value());
    EXPECT_TRUE(until([this] { return count("stubborn ready") == 2; }));
    // This agent is no host's first process, with which all others would end.
    ASSERT_TRUE(link_->stop_unit("stubborn").has_value());
    EXPECT_TRUE(until([this] { return seen_.states.back().state == UnitStateName::stopped; }));
}

TEST_F(Agent, a_signalled_unit_dies_by_that_signal) {
    configure({shell_unit("victim", say_ready)});
    ASSERT_TRUE(until([this] { return count("victim ready") == 1; }));
    ASSERT_TRUE(link_->signal_unit("victim", SIGKILL).has_value());
    ASSERT_TRUE(
        until([this] { return !seen_.states.empty() && seen_.states.back().exit_signal.has_value(); }));
    EXPECT_EQ(seen_.states.back().exit_signal, SIGKILL);
}

TEST_F(Agent, a_command_has_its_streams_and_its_exit_status) {
    configure({});
    Ran ran;
    const ExecId id = run({{"/bin/sh", "-c", "cat; echo err >&2; exit 7"}, {}, false, 24, 80}, ran);
    ASSERT_TRUE(link_->exec_input(id, "abc").has_value());
    ASSERT_TRUE(link_->exec_close_input(id).has_value());
    ASSERT_TRUE(until([&] { return ran.status.has_value(); }));
    EXPECT_EQ(ran.out, "abc");
    EXPECT_EQ(ran.err, "err\n");
    EXPECT_EQ(ran.status, 7);
    Ran missing;
    run({{"/no/such/program"}, {}, false, 24, 80}, missing);
    ASSERT_TRUE(until([&] { return missing.status.has_value(); }));
    EXPECT_EQ(missing.status, 127);
    EXPECT_THAT(missing.err, HasSubstr("/no/such/program"));
}

TEST_F(Agent, a_command_on_a_terminal_sees_its_size_and_its_changes) {
    configure({});
    Ran ran;
    const ExecId id = run({{"/bin/sh", "-c", "stty size; read line; stty size"}, {}, true, 31, 91}, ran);
    ASSERT_TRUE(until([&] { return ran.out.find("31 91") != std::string::npos; })) << ran.out;
    ASSERT_TRUE(link_->exec_resize(id, 40, 132).has_value());
    ASSERT_TRUE(link_->exec_input(id, "\n").has_value());
    ASSERT_TRUE(until([&] { return ran.status.has_value(); }));
    EXPECT_THAT(ran.out, HasSubstr("40 132"));
}

TEST_F(Agent, a_command_that_prints_much_loses_nothing) {
    configure({});
    Ran ran;
    run({{"/bin/sh", "-c", "head -c 20000000 /dev/zero"}, {}, false, 24, 80}, ran);
    ASSERT_TRUE(until([&] { return ran.status.has_value(); }));
    EXPECT_EQ(ran.out.size(), 20'000'000u);
}

TEST_F(Agent, the_end_of_the_link_ends_the_agent) {
    configure({shell_unit("left", say_ready)});
    ASSERT_TRUE(until([this] { return count("left ready") == 1; }));
    link_->close();
    int status = 0;
    ASSERT_TRUE(until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }));
    pid_ = -1;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(Agent, a_killed_agent_is_noticed_and_its_commands_end_with_an_error) {
    configure({});
    Ran ran;
    run({{"sleep", "30"}, {}, false, 24, 80}, ran);
    ::kill(pid_, SIGKILL);
    ASSERT_TRUE(until([&] { return !seen_.closed.empty(); }));
    EXPECT_FALSE(ran.failure.empty());
    EXPECT_TRUE(link_->stop_unit("x").has_error());
}

}  // namespace
}  // namespace understudy::vmctl
