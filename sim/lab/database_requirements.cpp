// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/database_requirements.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>

#include "sim/topology/queries.hpp"

namespace understudy::lab {
namespace {

// The value of a line like VERSION_ID="12".
std::string unquoted(const std::string& value) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::string postgresql_package(const std::filesystem::path& os_release) {
    std::map<std::string, std::string> values;
    std::ifstream file(os_release);
    for (std::string line; std::getline(file, line);)
        if (const std::size_t equals = line.find('='); equals != std::string::npos)
            values[line.substr(0, equals)] = unquoted(line.substr(equals + 1));
    const std::string name = values["ID"] + " " + values["VERSION_ID"];
    if (name == "debian 12") return "postgresql-15";
    if (name == "ubuntu 24.04") return "postgresql-16";
    return "postgresql";
}

std::vector<vmctl::Requirement> database_requirements(const topology::Topology& topology,
                                                      const std::filesystem::path& root) {
    if (!topology::has_postgresql(topology)) return {};
    if (const auto found = postgresql::newest_installation(root))
        return {{"postgresql", true, (found->programs / "postgres").string(), ""}};
    const std::string package = postgresql_package();
    return {{package, false, fmt::format("there is no PostgreSQL server in {}", root.string()),
             fmt::format("run: sudo apt-get install {}", package)}};
}

}  // namespace understudy::lab
