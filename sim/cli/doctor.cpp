// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/cli/command.hpp"
#include "sim/lab/database_requirements.hpp"
#include "sim/lab/guest_support.hpp"
#include "sim/lab/program_requirements.hpp"
#include "sim/lab/region_directory.hpp"
#include "sim/topology/reader.hpp"
#include "vmctl/image/requirements.hpp"
#include "vmctl/network/requirements.hpp"

namespace understudy::cli {
namespace {

struct DoctorOptions {
    std::string world = "vm";
    std::string topology;
    std::vector<std::string> settings;
};

Result<int> run_doctor(const DoctorOptions& options) {
    const std::string& world = options.world;
    auto requirements = vmctl::check_requirements();
    if (!options.topology.empty()) {
        UNDERSTUDY_TRY(const auto topology, topology::load_topology(options.topology, options.settings));
        for (const auto& more : {lab::program_requirements(topology), lab::database_requirements(topology)})
            requirements.insert(requirements.end(), more.begin(), more.end());
    }
    if (world == "vm") {
        const auto more =
            vmctl::vm_requirements({lab::kernel_candidates(), "/bin/busybox", lab::cache_directory()});
        requirements.insert(requirements.end(), more.begin(), more.end());
    } else {
        // A pod's NIC is a veth: no tap is needed.
        std::erase_if(requirements,
                      [](const auto& requirement) { return requirement.name == "/dev/net/tun"; });
    }
    bool all_ok = true;
    for (const auto& requirement : requirements) {
        all_ok = all_ok && requirement.ok;
        fmt::print("{:<8} {:<22} {}\n", requirement.ok ? "ok" : "missing", requirement.name,
                   requirement.detail);
        if (!requirement.ok) fmt::print("{:<31} {}\n", "", requirement.remedy);
    }
    if (all_ok) fmt::print("this machine can run regions of the world '{}'\n", world);
    return all_ok ? 0 : exit_status(ErrorKind::environment);
}

}  // namespace

void add_doctor(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<DoctorOptions>();
    command_line::Command sub = app.subcommand(
        "doctor", "Check what this machine lacks to run regions, and say the command that mends it");
    sub.option("TOPOLOGY", options->topology, "a topology file: what its programs and databases need too");
    sub.option("--set", options->settings, "PATH=VALUE: change a value of the topology");
    sub.option("--world", options->world, "vm or pod").one_of({"vm", "pod"}).with_default_in_help();
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_doctor(*options); }; });
}

}  // namespace understudy::cli
