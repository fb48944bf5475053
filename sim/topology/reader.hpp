// SPDX-License-Identifier: Apache-2.0
// Reads a topology file (YAML): `extends:` files first, each laid over the one it extends, then the settings
// ("nodes.party-a.mutual_exclusion.wait_interval=4s"), then everything is checked. All mistakes come back at
// once as one bad_input error whose message is a line "file:line:column: subject: reason; remedy" for each.
// The keys are those of topologies/topology.schema.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/config/node.hpp"
#include "base/config/reader.hpp"
#include "base/result.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::topology {

Result<Topology> load_topology(const std::string& path, const std::vector<std::string>& settings = {});

// The same from text in memory; `file_name` is what messages call it and what relative paths start from.
Result<Topology> parse_topology(std::string_view text, const std::string& file_name,
                                const std::vector<std::string>& settings = {});

}  // namespace understudy::topology
