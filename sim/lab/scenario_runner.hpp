// SPDX-License-Identifier: Apache-2.0
// Runs one scenario in a region of its own, in a live world: brings the region up, drives the pure scenario
// machine with its events, carries out its faults, then compares the clients' records with both parties'
// databases. Blocking.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "sim/report/run.hpp"
#include "sim/scenario/core/scenario.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::lab {

struct ScenarioRunOptions {
    topology::Topology topology;
    topology::HostWorld world = topology::HostWorld::vm;
    std::string region_name;
    Duration timeout{};  // for the region to come up
};

struct ScenarioOutcome {
    report::ScenarioRun run;
    std::string accelerator;
};

// An Error is a region that could not be run at all; whatever the scenario showed is in the outcome.
Result<ScenarioOutcome> run_scenario(const ScenarioRunOptions& options, const scenario::Scenario& scenario,
                                     const std::function<void(const std::string& line)>& progress);

}  // namespace understudy::lab
