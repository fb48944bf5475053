// SPDX-License-Identifier: Apache-2.0
// What a scenario's faults may cost its topology: their causes as the bound of sim/topology knows them, and
// the worst outage. Pure.
#pragma once

#include <vector>

#include "base/time.hpp"
#include "sim/scenario/core/scenario.hpp"
#include "sim/topology/bound.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::scenario {

// What a fault of a scenario may mean to the highly available node, as causes that the bound knows: a
// partition from its database is a database_loss, from its file service a share_loss, from everyone both; one
// from anything else takes the network from the active and counts as power_off, its worst.
std::vector<topology::FaultKind> causes(const Fault& fault, const topology::Topology& topology);

// The worst outage over the scenario's faults, each for itself; over every kind when it has none.
Duration worst_case_outage(const Scenario& scenario, const topology::Topology& topology,
                           const topology::MeasuredStart& measured);

}  // namespace understudy::scenario
