// SPDX-License-Identifier: Apache-2.0
// validate and bound: what can be said of a topology without starting anything.
#include <fmt/format.h>

#include "sim/cli/command.hpp"
#include "sim/topology/bound.hpp"
#include "sim/topology/queries.hpp"
#include "sim/topology/reader.hpp"

namespace understudy::cli {
namespace {

struct ValidateOptions {
    std::string topology;
    std::vector<std::string> settings;
    std::string process_to_lease = "200ms";
    std::string lease_to_ports = "200ms";
    std::string host_start = "10s";
};

Result<int> run_validate(const ValidateOptions& options) {
    UNDERSTUDY_TRY(const auto topology, topology::load_topology(options.topology, options.settings));
    for (const std::string& warning : topology.warnings)
        fmt::print(stderr, "understudy: warning: {}\n", warning);
    fmt::print("{}: {} hosts, {} scenarios, no mistakes\n", options.topology,
               topology::hosts(topology).size(), topology.scenarios.size());
    return 0;
}

Result<int> run_bound(const ValidateOptions& options) {
    UNDERSTUDY_TRY(const auto topology, topology::load_topology(options.topology, options.settings));
    topology::MeasuredStart measured;
    UNDERSTUDY_TRY(measured.process_to_lease, parse_duration(options.process_to_lease));
    UNDERSTUDY_TRY(measured.lease_to_ports, parse_duration(options.lease_to_ports));
    UNDERSTUDY_TRY(measured.host_start, parse_duration(options.host_start));
    using topology::FaultKind;
    for (const FaultKind kind : {FaultKind::power_off, FaultKind::database_loss, FaultKind::share_loss,
                                 FaultKind::stop, FaultKind::kill, FaultKind::reset, FaultKind::pause}) {
        const auto bound = topology::worst_case_parts(topology, measured, kind);
        fmt::print("{:<16} {:>8}\n", topology::to_string(kind), format_duration(bound.total()));
        for (const auto& part : bound.parts)
            fmt::print("    {:>8}  {}\n", format_duration(part.duration), part.name);
    }
    return 0;
}

}  // namespace

void add_validate(command_line::Command app, Choice& choice) {
    auto validate = std::make_shared<ValidateOptions>();
    command_line::Command sub =
        app.subcommand("validate", "Check a topology file; every mistake is one line with file:line:column");
    sub.option("FILE", validate->topology, "the topology file").required();
    sub.option("--set", validate->settings, "PATH=VALUE: change a value first");
    sub.when_chosen([validate, &choice] { choice.run = [validate] { return run_validate(*validate); }; });

    auto bound = std::make_shared<ValidateOptions>();
    sub = app.subcommand("bound", "Print the longest outage that one fault can cause, term by term");
    sub.option("TOPOLOGY", bound->topology, "the topology file").required();
    sub.option("--set", bound->settings, "PATH=VALUE: change a value first");
    sub.option("--process-to-lease", bound->process_to_lease,
               "start of the node's process to its lease attempt")
        .with_default_in_help();
    sub.option("--lease-to-ports", bound->lease_to_ports, "lease to open ports").with_default_in_help();
    sub.option("--host-start", bound->host_start, "power-on of a host to start of the node's process")
        .with_default_in_help();
    sub.when_chosen([bound, &choice] { choice.run = [bound] { return run_bound(*bound); }; });
}

}  // namespace understudy::cli
