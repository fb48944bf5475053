// SPDX-License-Identifier: Apache-2.0
// Which world carries a topology's hosts: the one the user names, or `vm`; a topology with programs of the
// user's own runs in pods, since a guest has nothing that they need.
#pragma once

#include <string>

#include "base/result.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::cli {

// `given`: "vm", "pod" or empty. Error kind bad_input when the topology can't run in the world given.
Result<topology::HostWorld> choose_world(const std::string& given, const topology::Topology& topology);

const char* to_string(topology::HostWorld world);

}  // namespace understudy::cli
