// SPDX-License-Identifier: Apache-2.0
// understudy-lb: the load balancer as a program of its own, and its administration.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/io/log.hpp"
#include "lb/admin/admin_server.hpp"
#include "lb/daemon.hpp"

namespace understudy::lb {
namespace {

int administer(const std::string& socket, const std::string& command, const std::string& host) {
    const bool reads = command == "state" || command == "metrics";
    const std::string target =
        reads || command == "reload" ? "/" + command : fmt::format("/backends/{}/{}", host, command);
    const auto answer = io::administrate(socket, reads ? "GET" : "POST", target);
    if (answer.has_error()) return fail(answer.error().message(), exit_status(answer.error().kind));
    fmt::print("{}", *answer);
    return 0;
}

int main_of(int argc, char** argv) {
    CLI::App app(
        "Load balancer: probes its backends and passes flows on to the healthy ones.\n"
        "SIGHUP reads the configuration again; no connection is lost by it.",
        "understudy-lb");
    std::string config_path, socket, command, host;
    app.add_option("--config", config_path, "YAML file: frontend, backends, probes, rules")
        ->type_name("FILE");
    CLI::App* admin = app.add_subcommand("admin", "ask or change a balancer that runs");
    admin->add_option("--socket", socket, "its admin_socket")->required()->type_name("PATH");
    admin->add_option("command", command, "state, metrics, reload, enable, disable or drain")
        ->required()
        ->check(CLI::IsMember({"state", "metrics", "reload", "enable", "disable", "drain"}));
    admin->add_option("host", host, "the backend to enable, disable or drain");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& failure) {
        return fail(fmt::format("understudy-lb: {}; see understudy-lb --help", failure.what()), 2);
    }
    if (admin->parsed()) {
        const bool of_a_backend = command == "enable" || command == "disable" || command == "drain";
        if (of_a_backend == host.empty())
            return fail(fmt::format("understudy-lb admin {}: {}", command,
                                    of_a_backend ? "name the backend" : "takes no backend"),
                        2);
        return administer(socket, command, host);
    }
    if (config_path.empty()) return fail("understudy-lb: --config is required; see understudy-lb --help", 2);
    io::start_log("understudy-lb");
    return run_daemon(config_path);
}

}  // namespace
}  // namespace understudy::lb

int main(int argc, char** argv) {
    return understudy::lb::main_of(argc, argv);
}
