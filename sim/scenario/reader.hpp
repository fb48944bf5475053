// SPDX-License-Identifier: Apache-2.0
// Reads a scenario file (YAML) for a topology, whose hosts its steps may name. All mistakes come back at once
// as one bad_input error, one line "file:line:column: subject: reason; remedy" for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sim/scenario/core/scenario.hpp"
#include "sim/topology/bound.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::scenario {

Result<Scenario> load_scenario(const std::string& path, const topology::Topology& topology);
Result<Scenario> parse_scenario(std::string_view text, const std::string& file_name,
                                const topology::Topology& topology);

// What a fault of a scenario may mean to the highly available node, as causes that the bound knows: a
// partition from its database is a database_loss, from its file service a share_loss, from everyone both; one
// from anything else takes the network from the active and counts as power_off, its worst.
std::vector<topology::FaultKind> causes(const Fault& fault, const topology::Topology& topology);

// The worst outage over the scenario's faults, each for itself; over every kind when it has none.
Duration worst_case_outage(const Scenario& scenario, const topology::Topology& topology,
                           const topology::MeasuredStart& measured);

}  // namespace understudy::scenario
