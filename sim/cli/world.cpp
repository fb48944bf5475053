// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/world.hpp"

#include "sim/topology/queries.hpp"

namespace understudy::cli {

Result<topology::HostWorld> choose_world(const std::string& given, const topology::Topology& topology) {
    const bool pods_only = topology::has_programs(topology);
    if (given == "vm" && pods_only)
        return Error(ErrorKind::bad_input, topology.file, "its programs run in pods, not in virtual machines")
            .with_remedy("leave --world out, or give --world pod");
    return given == "pod" || pods_only ? topology::HostWorld::pod : topology::HostWorld::vm;
}

const char* to_string(topology::HostWorld world) {
    return world == topology::HostWorld::vm ? "vm" : "pod";
}

}  // namespace understudy::cli
