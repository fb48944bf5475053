// SPDX-License-Identifier: Apache-2.0
// The files of a host with a PostgreSQL server, made from the topology: pure. Where the server's
// documentation is the rule: "Server Configuration" and "The pg_hba.conf File" of PostgreSQL 15.
#pragma once

#include <string>
#include <vector>

#include "sim/lab/unit_configs.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::lab {

// No account has its name: those have no capital letters.
constexpr const char* postgresql_superuser = "Understudy";

// For understudy-postgresql, which the unit runs.
std::string postgresql_service_config(const topology::Topology& topology, const std::string& database,
                                      const Accounts& accounts);

// postgresql.conf and pg_hba.conf, where the configuration above says that they are.
std::vector<vmctl::FileConfig> postgresql_files(const topology::Topology& topology,
                                                const std::string& database, const Accounts& accounts);

}  // namespace understudy::lab
