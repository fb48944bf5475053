// SPDX-License-Identifier: Apache-2.0
#include "sim/program/supervise.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "sim/program/child.hpp"
#include "sim/program/listening.hpp"
#include "sim/program/signals.hpp"

namespace understudy::program {
namespace {

constexpr int look_period_ms = 50;
constexpr std::array passed_on = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

class Activity {
  public:
    Activity(std::optional<std::uint16_t> port, io::EventWriter& events) : port_(port), events_(events) {}

    Result<void> look() {
        if (!port_) return {};
        UNDERSTUDY_TRY(const bool listens, is_listening(*port_));
        if (listens == active_) return {};
        active_ = listens;
        if (listens)
            events_.report("active", fmt::format("port {} accepts connections", *port_), {{"port", *port_}});
        else
            events_.report("stopped", fmt::format("port {} is closed", *port_), {{"port", *port_}});
        return {};
    }

  private:
    std::optional<std::uint16_t> port_;
    io::EventWriter& events_;
    bool active_ = false;
};

Result<void> work_in(const std::string& directory) {
    if (directory.empty()) return {};
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    if (failure) return system_error(directory, failure.value());
    if (::chdir(directory.c_str()) != 0) return system_error(directory, errno);
    return {};
}

void pass_on(const io::UniqueFd& signals, const Child& child) {
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof(info)) == sizeof(info))
        signal_child(child, static_cast<int>(info.ssi_signo));
}

}  // namespace

Result<int> supervise(const Supervision& supervision, io::EventWriter& events) {
    UNDERSTUDY_TRY(const io::UniqueFd signals, catch_signals(passed_on));
    UNDERSTUDY_CHECK(work_in(supervision.directory));
    UNDERSTUDY_TRY(const Child child, start_child(supervision.command));
    events.report("starting", fmt::format("{} runs as process {}", supervision.command.front(), child.pid));
    if (!supervision.active_port) events.report("ready", "the program runs");
    Activity activity(supervision.active_port, events);
    while (true) {
        std::array waits{pollfd{child.pidfd.get(), POLLIN, 0}, pollfd{signals.get(), POLLIN, 0}};
        ::poll(waits.data(), waits.size(), supervision.active_port ? look_period_ms : -1);
        if ((waits[1].revents & POLLIN) != 0) pass_on(signals, child);
        if ((waits[0].revents & POLLIN) != 0) break;
        if (const auto looked = activity.look(); looked.has_error()) {
            signal_child(child, SIGKILL);
            reap_child(child);
            return looked.error();
        }
    }
    return reap_child(child);
}

}  // namespace understudy::program
