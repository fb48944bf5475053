// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/io/unique_fd.hpp"
#include "sim/postgresql/accounts.hpp"
#include "sim/postgresql/data_directory.hpp"
#include "sim/postgresql/installation.hpp"
#include "sim/program/child.hpp"
#include "sim/program/signals.hpp"

namespace understudy::postgresql {
namespace {

constexpr int ready_period_ms = 5;
constexpr std::array ending = {SIGTERM, SIGINT};

Result<program::Child> start_server(const Config& config) {
    const ServerUser user = server_user();
    // The version that made the data; before there is any, the one that made the template.
    auto installation = installation_for(config.data);
    if (!installation) installation = installation_for(config.template_directory);
    if (!installation)
        return Error(ErrorKind::environment, config.template_directory,
                     fmt::format("no version of PostgreSQL in {} made it", usual_root));
    const auto server = installation->programs / "postgres";
    UNDERSTUDY_CHECK(end_processes_of(server, config.data));
    UNDERSTUDY_CHECK(prepare_folders(config, user));
    return program::start_child(
        as_server_user(user, {server.string(), "-c", "config_file=" + config.settings}));
}

// False: not yet. An Error is the server's own refusal: trying again would not change it.
Result<bool> is_ready(const Config& config, io::EventWriter& events) {
    if (!says_it_is_ready(config.data)) return false;
    if (const auto made = make_accounts(config); made.has_error()) {
        if (made.error().kind != ErrorKind::environment) return made.error();
        spdlog::debug("not ready: {}", made.error().message());
        return false;
    }
    const auto version = log_in(config);
    if (version.has_error()) {
        spdlog::debug("not ready: {}", version.error().message());
        return false;
    }
    events.report("ready", fmt::format("PostgreSQL {} serves {} on {}", *version, config.database,
                                       to_string(config.listen)));
    return true;
}

}  // namespace

Result<int> serve(const Config& config, io::EventWriter& events) {
    UNDERSTUDY_TRY(const io::UniqueFd signals, program::catch_signals(ending));
    UNDERSTUDY_TRY(const program::Child child, start_server(config));
    bool ready = false;
    while (true) {
        std::array waits{pollfd{child.pidfd.get(), POLLIN, 0}, pollfd{signals.get(), POLLIN, 0}};
        ::poll(waits.data(), waits.size(), ready ? -1 : ready_period_ms);
        signalfd_siginfo info{};
        while (::read(signals.get(), &info, sizeof info) == sizeof info) program::signal_child(child, SIGINT);
        if ((waits[0].revents & POLLIN) != 0) return program::reap_child(child);
        if (ready) continue;
        const auto asked = is_ready(config, events);
        if (asked.has_error()) {
            program::signal_child(child, SIGINT);
            program::reap_child(child);
            return asked.error();
        }
        ready = *asked;
    }
}

}  // namespace understudy::postgresql
