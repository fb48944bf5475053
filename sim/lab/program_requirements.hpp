// SPDX-License-Identifier: Apache-2.0
// What a topology's programs must find on this machine, whose /usr their hosts see: the command where it is a
// name or a path below /usr, what `from_machine` and `needs` name. Threads: any.
#pragma once

#include <vector>

#include "sim/topology/topology.hpp"
#include "vmctl/core/requirement.hpp"

namespace understudy::lab {

// One for each path, in the order of programs; the remedy is the topology's own words where it gives any.
std::vector<vmctl::Requirement> program_requirements(const topology::Topology& topology);

}  // namespace understudy::lab
