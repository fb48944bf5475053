// SPDX-License-Identifier: Apache-2.0
// Reads a scenario file (YAML) for a topology, whose hosts its steps may name. All mistakes come back at once
// as one bad_input error, one line "file:line:column: subject: reason; remedy" for each.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sim/scenario/core/scenario.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::scenario {

Result<Scenario> load_scenario(const std::string& path, const topology::Topology& topology);
Result<Scenario> parse_scenario(std::string_view text, const std::string& file_name,
                                const topology::Topology& topology);

}  // namespace understudy::scenario
