// SPDX-License-Identifier: Apache-2.0
// The topology's security groups as the fabric takes them. Pure.
#pragma once

#include <vector>

#include "sim/topology/topology.hpp"
#include "vmctl/network/core/security_group.hpp"

namespace understudy::lab {

std::vector<vmctl::SecurityGroup> security_groups(const topology::Topology& topology);

}  // namespace understudy::lab
