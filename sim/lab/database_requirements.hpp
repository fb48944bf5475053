// SPDX-License-Identifier: Apache-2.0
// What a topology's databases must find on this machine. Threads: any.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/postgresql/installation.hpp"
#include "sim/topology/topology.hpp"
#include "vmctl/core/requirement.hpp"

namespace understudy::lab {

// PostgreSQL's server, where a database asks for it; nothing where none does.
std::vector<vmctl::Requirement> database_requirements(
    const topology::Topology& topology, const std::filesystem::path& root = postgresql::usual_root);

// The package of the server in the distribution that a file like /etc/os-release tells of.
std::string postgresql_package(const std::filesystem::path& os_release = "/etc/os-release");

}  // namespace understudy::lab
