// SPDX-License-Identifier: Apache-2.0
// What the supervisor knows of one backend of a balancer, for `understudy explain`: the states of the two
// hosts, the faults that name them, and for each probe the security rule that decides on it:
// {"balancer_host_state","backend_host_state","role","probe_source","faults":[{"id","detail"}],
//  "probes":[{"name","target","allowed","group","rule","priority"}]}.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::lab {

// `status` is the region's (StatusDocument). bad_input: no such balancer, or a host that isn't in its pool.
Result<json::object> facts_of_backend(const topology::Topology& topology, const json::object& status,
                                      const std::string& balancer, const std::string& backend);

}  // namespace understudy::lab
