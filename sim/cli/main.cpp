// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "base/io/interrupt.hpp"
#include "sim/cli/command.hpp"
#include "sim/lab/region_directory.hpp"

namespace understudy::cli {

Result<std::string> chosen_region(const std::string& name) {
    if (!name.empty()) return name;
    return lab::only_region();
}

void print_error(const Error& error) {
    const std::string message = error.message();
    for (std::size_t at = 0; at <= message.size();) {
        const std::size_t end = std::min(message.find('\n', at), message.size());
        fmt::print(stderr, "understudy: {}\n", message.substr(at, end - at));
        at = end + 1;
    }
}

bool stdout_is_terminal() {
    return ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace understudy::cli

int main(int argument_count, char** arguments) {
    using namespace understudy;
    std::signal(SIGPIPE, SIG_IGN);
    io::catch_interrupts();
    command_line::CommandLine app("understudy",
                                  "Rehearse a cloud high-availability deployment on one Linux machine.\n\n"
                                  "  understudy up topologies/corda-ha-fast.yaml     bring a region up\n"
                                  "  understudy fault power-off active               break it\n"
                                  "  understudy status --watch                       look on\n"
                                  "  understudy test topologies/corda-ha-fast.yaml   run its scenarios\n");
    app.requires_subcommand();
    app.version("understudy 0.1.0");
    cli::Choice choice;
    cli::add_up(app, choice);
    cli::add_status(app, choice);
    cli::add_events(app, choice);
    cli::add_exec(app, choice);
    cli::add_explain(app, choice);
    cli::add_logs(app, choice);
    cli::add_faults(app, choice);
    cli::add_down(app, choice);
    cli::add_test(app, choice);
    cli::add_validate(app, choice);
    cli::add_doctor(app, choice);
    if (const auto status = app.parse(argument_count, arguments)) return *status;
    const auto result = choice.run();
    if (result.has_value()) return *result;
    cli::print_error(result.error());
    return exit_status(result.error().kind);
}
