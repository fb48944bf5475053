// SPDX-License-Identifier: Apache-2.0
// What a machine that is too slow, or too busy, for a topology's timers does to a run: a host gives up its
// lease because no renewal was confirmed in time, though no fault was at work. Each such loss is a failover
// more than the scenario asked for, and no bound for one fault can know of it. Only what happened while the
// machine was busy counts, so that a defect of the node or the database isn't taken for slowness. Pure.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/core/region_event.hpp"

namespace understudy::scenario {

// The lab's `machine_busy`, told once a second while it is so: for half of that second or more some process
// had to wait for a processor or for the disk (Linux, Documentation/accounting/psi.rst, "some").
bool is_machine_busy(const RegionEvent& event);

struct LostLease {
    Duration at{};
    std::string host;
};

// By any of `hosts`, those that carry the highly available node, in order of time. A fault is at work on a
// host while it is a target, and on every host while a target is none of them: a service. Healed, it is so
// until a lease was taken or renewed again.
std::vector<LostLease> leases_lost_to_slowness(const std::vector<RegionEvent>& events,
                                               const std::vector<std::string>& hosts);

}  // namespace understudy::scenario
