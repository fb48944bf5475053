// SPDX-License-Identifier: Apache-2.0
// The region's supervisor: process 1 of its sandbox. It owns the fabric, the hosts and the run database,
// serves the control socket and lives until it is told to go down; when it dies the kernel ends everything
// else.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "sim/lab/region_directory.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::lab {

struct GuestSupport {  // the world `vm` needs it
    std::string kernel;
    std::string initrd;
    std::string disk;
    std::string command_line;
    std::string accelerator;  // "kvm" or "tcg"
};

struct SupervisorOptions {
    topology::Topology topology;
    RegionDirectory directory{""};
    topology::HostWorld world = topology::HostWorld::vm;
    std::optional<GuestSupport> guest;
    std::string database_template;  // of a topology with a PostgreSQL server (database_template.hpp)
    std::string program_directory;
    Instant started_at{};  // when the user asked for the region: its time zero
    int startup_fd = -1;   // one line: "ok", or an Error as JSON
};

// Runs until the region is taken down; returns the exit status. Call as process 1 of a sandbox.
int run_supervisor(SupervisorOptions options);

}  // namespace understudy::lab
