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
    CLI::App app{
        "Rehearse a cloud high-availability deployment on one Linux machine.\n\n"
        "  understudy up topologies/corda-ha-fast.yaml     bring a region up\n"
        "  understudy fault power-off active               break it\n"
        "  understudy status --watch                       look on\n"
        "  understudy test topologies/corda-ha-fast.yaml   run its scenarios\n"};
    app.name("understudy");
    app.require_subcommand(1);
    app.set_version_flag("--version", "understudy 0.1.0");
    cli::Command command;
    cli::add_up(app, command);
    cli::add_status(app, command);
    cli::add_events(app, command);
    cli::add_exec(app, command);
    cli::add_explain(app, command);
    cli::add_logs(app, command);
    cli::add_faults(app, command);
    cli::add_down(app, command);
    cli::add_test(app, command);
    cli::add_validate(app, command);
    cli::add_doctor(app, command);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& failure) {
        const int status = app.exit(failure, std::cout, std::cerr);
        return status == 0 ? 0 : exit_status(ErrorKind::bad_input);
    }
    const auto result = command.run();
    if (result.has_value()) return *result;
    cli::print_error(result.error());
    return exit_status(result.error().kind);
}
