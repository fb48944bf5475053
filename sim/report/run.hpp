// SPDX-License-Identifier: Apache-2.0
// One scenario's run as evidence, and what follows from it: the outage that clients measured and the
// failover's timeline. Pure functions of the recorded events, which are in the order of their times.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/core/region_event.hpp"
#include "sim/scenario/core/slowness.hpp"
#include "sim/scenario/core/verdict.hpp"

namespace understudy::report {

using scenario::RegionEvent;

struct ScenarioRun {
    std::string name;
    bool passed = false;
    // For a scenario with one fault: for its failover and for those within the longest outage that the
    // machine's slowness added.
    std::optional<Duration> bound;
    scenario::PaymentCounts payments;
    std::vector<std::string> failures;
    std::vector<RegionEvent> events;
    Duration duration{};
    std::optional<scenario::MessageCounts> messages{};    // where clients run programs of their own
    std::vector<scenario::LostLease> lost_to_slowness{};  // in the whole run
};

struct Report {
    std::string topology;
    std::string world;        // "vm", "pod"
    std::string accelerator;  // "kvm", "tcg", "none"
    std::vector<ScenarioRun> scenarios;
};

struct TimelineEntry {
    Duration at{};
    std::string event;  // "fault", "first failed attempt", "probe down", "lease taken", "node active", "probe
                        // up", "first success", "heal"
    std::string host;
    std::string detail;
    std::optional<Duration> after_fault;  // since the latest fault before it
};

struct Outage {
    Duration from{}, to{};
    Duration length() const { return to - from; }
};

// The longest gap between the ends of two consecutive acknowledged attempts of which the later ended after
// the first fault. An outage that no success ended runs to the last event. Nothing without a fault, or when
// no attempt had succeeded before it.
std::optional<Outage> longest_outage(const std::vector<RegionEvent>& events);
std::optional<Duration> outage(const std::vector<RegionEvent>& events);  // its length

// The failover after each fault: the fault, and the first of each of the events above after it (each
// backend's probe changes count for themselves), in the order of time.
std::vector<TimelineEntry> timeline(const std::vector<RegionEvent>& events);

}  // namespace understudy::report
