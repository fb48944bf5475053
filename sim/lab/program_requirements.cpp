// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/program_requirements.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

namespace understudy::lab {
namespace {

bool exists(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

// Where a pod's PATH leads on this machine; empty when it has no such command.
std::string found_in_path(const std::string& name) {
    for (const char* directory : {"/usr/sbin/", "/usr/bin/"})
        if (exists(directory + name)) return directory + name;
    return {};
}

bool carried(const topology::Topology& topology, const std::string& program) {
    for (const auto& [name, machine] : topology.virtual_machines)
        if (machine.program == program) return true;
    for (const auto& [name, client] : topology.clients)
        if (client.program == program) return true;
    return false;
}

}  // namespace

std::vector<vmctl::Requirement> program_requirements(const topology::Topology& topology) {
    std::vector<vmctl::Requirement> all;
    std::set<std::string> seen;
    const auto require = [&](const std::string& program, const std::string& path, bool there,
                             const std::string& remedy) {
        if (!seen.insert(path).second) return;
        all.push_back({path, there,
                       fmt::format("program {}: {}", program, there ? "is there" : "is not on this machine"),
                       there ? std::string() : remedy});
    };
    for (const auto& [name, program] : topology.programs) {
        if (!carried(topology, name)) continue;
        for (const auto& [path, remedy] : program.needs) require(name, path, exists(path), remedy);
        const std::string install = "install the package that holds it";
        const std::string& command = program.command.front();
        if (command.find('/') == std::string::npos)
            require(name, command, !found_in_path(command).empty(), install);
        else if (command.starts_with("/usr/"))
            require(name, command, exists(command), install);
        for (const std::string& path : program.from_machine)
            require(name, path, exists(path), "install what makes it, or leave it out of from_machine");
    }
    return all;
}

}  // namespace understudy::lab
