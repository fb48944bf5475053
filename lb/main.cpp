// SPDX-License-Identifier: Apache-2.0
// understudy-lb: the load balancer as a program of its own, and its administration.
#include <fmt/format.h>

#include <cstdio>

#include "base/command_line/command_line.hpp"
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
    command_line::CommandLine app(
        "understudy-lb",
        "Load balancer: probes its backends and passes flows on to the healthy ones.\n"
        "SIGHUP reads the configuration again; no connection is lost by it.");
    std::string config_path, socket, command, host;
    app.option("--config", config_path, "YAML file: frontend, backends, probes, rules")
        .called_in_help("FILE");
    command_line::Command admin = app.subcommand("admin", "ask or change a balancer that runs");
    admin.option("--socket", socket, "its admin_socket").required().called_in_help("PATH");
    admin.option("command", command, "state, metrics, reload, enable, disable or drain")
        .required()
        .one_of({"state", "metrics", "reload", "enable", "disable", "drain"});
    admin.option("host", host, "the backend to enable, disable or drain");
    if (const auto status = app.parse(argc, argv)) return *status;
    if (admin.chosen()) {
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
