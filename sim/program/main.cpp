// SPDX-License-Identifier: Apache-2.0
// understudy-run [--active-port PORT] [--directory DIRECTORY] -- COMMAND…: see supervise.hpp.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/command_line/command_line.hpp"
#include "sim/program/supervise.hpp"

namespace {

constexpr const char* events_variable = "UNDERSTUDY_EVENTS_FD";

// The program may report events too, on a descriptor of its own: a writer's is closed on exec.
void hand_events_down() {
    const char* text = std::getenv(events_variable);
    const int copy = text == nullptr ? -1 : ::dup(std::atoi(text));
    if (copy >= 0) ::setenv(events_variable, std::to_string(copy).c_str(), 1);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace understudy;
    command_line::CommandLine app("understudy-run",
                                  "Runs a program and reports its state as events of its host");
    program::Supervision supervision;
    std::uint16_t port = 0;
    std::string source = "node";
    const command_line::Option active_port =
        app.option("--active-port", port, "the host is active while something listens on this TCP port")
            .between(1, 65535);
    app.option("--directory", supervision.directory, "working directory, made when missing");
    app.option("--source", source, "what its events are from").with_default_in_help();
    app.option("COMMAND", supervision.command, "the program and its arguments, after --").required();
    if (const auto status = app.parse(argc, argv)) return *status;
    if (active_port.given()) supervision.active_port = port;
    io::EventWriter events(source);
    hand_events_down();
    const auto ended = program::supervise(supervision, events);
    if (ended.has_value()) return *ended;
    fmt::print(stderr, "understudy-run: {}\n", ended.error().message());
    return exit_status(ended.error().kind);
}
