// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/bound.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "sim/topology/queries.hpp"

namespace understudy::scenario {
namespace {

// A frozen host's ports go on answering probes, so it takes connections until it has gone on and has found
// out. The node's own bound counts a freeze without an end; a program ends itself after it.
Duration longest_freeze(const Scenario& scenario, const topology::Topology& topology) {
    Duration longest{};
    if (topology::high_availability_program(topology).empty()) return longest;
    for (const Step& step : scenario.steps)
        if (const auto* fault = std::get_if<Fault>(&step.what); fault && fault->kind == FaultKind::pause)
            longest = std::max(longest, fault->duration.value_or(Duration{}));
    return longest;
}

}  // namespace

std::vector<topology::FaultKind> causes(const Fault& fault, const topology::Topology& topology) {
    using Cause = topology::FaultKind;
    switch (fault.kind) {
        case FaultKind::power_off:
            return {Cause::power_off};
        case FaultKind::reset:
            return {Cause::reset};
        case FaultKind::pause:
            return {Cause::pause};
        case FaultKind::kill:
            return {Cause::kill};
        case FaultKind::stop:
            return {Cause::stop};
        case FaultKind::share_stall:
        case FaultKind::share_error:
        case FaultKind::share_slow:
        case FaultKind::share_read_only:
        case FaultKind::share_cut_off:
        case FaultKind::share_power_loss:
            return {Cause::share_loss};
        case FaultKind::db_freeze:
        case FaultKind::db_refuse:
        case FaultKind::db_slow_commits:
        case FaultKind::db_read_only:
        case FaultKind::db_disk_full:
        case FaultKind::db_clock_step:
        case FaultKind::db_power_loss:
            return {Cause::database_loss};
        case FaultKind::partition:
            break;
    }
    if (fault.to.empty()) return {Cause::database_loss, Cause::share_loss};
    std::vector<Cause> all;
    for (const auto* side : {&fault.to, &fault.targets})
        for (const std::string& host : *side) {
            if (topology.databases.contains(host)) all.push_back(Cause::database_loss);
            if (topology.file_services.contains(host)) all.push_back(Cause::share_loss);
        }
    if (all.empty()) all.push_back(Cause::power_off);
    return all;
}

Duration worst_case_outage(const Scenario& scenario, const topology::Topology& topology,
                           const topology::MeasuredStart& measured) {
    std::vector<topology::FaultKind> all;
    for (const Step& step : scenario.steps)
        if (const auto* fault = std::get_if<Fault>(&step.what))
            for (const auto cause : causes(*fault, topology)) all.push_back(cause);
    return topology::worst_case_outage(topology, measured, all) + longest_freeze(scenario, topology);
}

}  // namespace understudy::scenario
