// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/host_units.hpp"

#include <fmt/format.h>

#include <utility>

#include "sim/lab/unit_configs.hpp"

namespace understudy::lab {
namespace {

vmctl::RestartPolicy restart_policy(topology::Restart restart) {
    switch (restart) {
        case topology::Restart::always:
            return vmctl::RestartPolicy::always;
        case topology::Restart::on_failure:
            return vmctl::RestartPolicy::on_failure;
        case topology::Restart::never:
            break;
    }
    return vmctl::RestartPolicy::never;
}

constexpr const char* mount_prefix = "mount-";

}  // namespace

std::string program_path(const char* name) {
    return fmt::format("{}/{}", inside::programs, name);
}

vmctl::UnitSpec unit(std::string name, std::vector<std::string> argv) {
    vmctl::UnitSpec spec;
    spec.name = std::move(name);
    spec.argv = std::move(argv);
    spec.restart = vmctl::RestartPolicy::always;
    spec.restart_delay = 100ms;
    return spec;
}

vmctl::UnitSpec daemon_unit(const std::string& name, const char* executable) {
    return unit(name, {program_path(executable), "--config", config_path(name)});
}

vmctl::UnitSpec mount_unit(const topology::Topology& topology, const std::string& service,
                           const std::string& host, const std::string& mount_point,
                           const std::optional<std::string>& key_file) {
    const auto& files = topology.file_services.at(service);
    std::vector<std::string> argv{program_path("understudy-mount"),
                                  "--server",
                                  fmt::format("{}:{}", to_string(files.address), files.port),
                                  "--export",
                                  service,
                                  "--client",
                                  host};
    if (!files.on_loss.empty()) argv.insert(argv.end(), {"--on-loss", files.on_loss});
    if (key_file) argv.insert(argv.end(), {"--key-file", *key_file});
    argv.push_back(mount_point);
    return unit(mount_prefix + service, std::move(argv));
}

void require_mounts(const std::vector<vmctl::UnitSpec>& units, vmctl::UnitSpec& spec) {
    for (const auto& mount : units)
        if (mount.name.starts_with(mount_prefix)) spec.requires_units.push_back(mount.name);
}

vmctl::UnitSpec program_unit(const topology::Program& program, const char* name, const std::string& host,
                             Ipv4Address address) {
    std::vector<std::string> argv{program_path("understudy-run"), "--source", name};
    if (program.active_port) argv.insert(argv.end(), {"--active-port", std::to_string(*program.active_port)});
    if (!program.working_directory.empty())
        argv.insert(argv.end(), {"--directory", program.working_directory});
    argv.push_back("--");
    argv.insert(argv.end(), program.command.begin(), program.command.end());
    vmctl::UnitSpec spec = unit(name, std::move(argv));
    spec.environment = program.environment;
    spec.environment["UNDERSTUDY_HOST"] = host;
    spec.environment["UNDERSTUDY_ADDRESS"] = to_string(address);
    spec.restart = restart_policy(program.restart);
    spec.restart_delay = program.restart_delay;
    spec.stop_timeout = program.stop_timeout;
    return spec;
}

}  // namespace understudy::lab
