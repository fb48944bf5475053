// SPDX-License-Identifier: Apache-2.0
#include "sim/report/run.hpp"

#include <algorithm>
#include <set>

#include "sim/scenario/core/region_view.hpp"

namespace understudy::report {
namespace {

std::string attribute_or_detail(const RegionEvent& event, const char* attribute) {
    return string_attribute(event.event, attribute).value_or(event.event.detail);
}

// What an event is in a failover, and whose; nothing for events that have no place in its timeline.
std::optional<TimelineEntry> entry_of(const RegionEvent& event) {
    TimelineEntry entry{event.at, "", event.host, event.event.detail, std::nullopt};
    if (is(event.event, "lab", "fault_applied") || is(event.event, "lab", "fault_healed")) {
        entry.event = event.event.name == "fault_applied" ? "fault" : "heal";
        entry.host = string_attribute(event.event, "target").value_or(event.host);
        const auto kind = string_attribute(event.event, "kind");
        if (kind) entry.detail = *kind + (event.event.detail.empty() ? "" : ": " + event.event.detail);
    } else if (is(event.event, "lb", "probe_down") || is(event.event, "lb", "probe_up")) {
        entry.event = event.event.name == "probe_down" ? "probe down" : "probe up";
        entry.host = string_attribute(event.event, "backend").value_or(event.host);
        const auto probe = string_attribute(event.event, "probe");
        if (probe) entry.detail = *probe + (event.event.detail.empty() ? "" : ": " + event.event.detail);
    } else if (is(event.event, "node", "lease_taken")) {
        entry.event = "lease taken";
    } else if (is(event.event, "node", "active")) {
        entry.event = "node active";
    } else if (const auto attempt = scenario::attempt_of(event)) {
        entry.event = attempt->acknowledged ? "first success" : "first failed attempt";
        if (!attempt->acknowledged) entry.detail = attempt->reason;
    } else {
        return std::nullopt;
    }
    return entry;
}

}  // namespace

std::optional<Outage> longest_outage(const std::vector<RegionEvent>& events) {
    const auto fault = std::find_if(events.begin(), events.end(), [](const RegionEvent& event) {
        return is(event.event, "lab", "fault_applied");
    });
    if (fault == events.end()) return std::nullopt;
    std::optional<Duration> last_success;
    std::optional<Outage> longest;
    const auto take = [&](Duration until) {
        const Outage gap{*last_success, until};
        if (!longest || gap.length() > longest->length()) longest = gap;
    };
    for (auto event = events.begin(); event != events.end(); ++event) {
        const auto attempt = scenario::attempt_of(*event);
        if (!attempt || !attempt->acknowledged) continue;
        if (event >= fault) {
            if (!last_success) return std::nullopt;
            take(event->at);
        }
        last_success = event->at;
    }
    if (!last_success) return std::nullopt;
    // Failed attempts after the last success: an outage that is still going on.
    const bool failing = std::any_of(events.begin(), events.end(), [&](const RegionEvent& event) {
        const auto attempt = scenario::attempt_of(event);
        return attempt && !attempt->acknowledged && event.at > *last_success;
    });
    if (failing || !longest) take(events.back().at);
    return longest;
}

std::optional<Duration> outage(const std::vector<RegionEvent>& events) {
    const auto longest = longest_outage(events);
    return longest ? std::optional(longest->length()) : std::nullopt;
}

std::vector<TimelineEntry> timeline(const std::vector<RegionEvent>& events) {
    std::vector<TimelineEntry> entries;
    std::optional<Duration> fault_at;
    std::set<std::string> seen;  // since the latest fault
    bool failed = false;
    for (const RegionEvent& event : events) {
        auto entry = entry_of(event);
        if (!entry) continue;
        if (entry->event == "fault") {
            fault_at = entry->at;
            seen.clear();
            failed = false;
            entry->after_fault = Duration{};
            entries.push_back(std::move(*entry));
            continue;
        }
        if (!fault_at) continue;
        entry->after_fault = entry->at - *fault_at;
        // Payments go on for a moment after some faults: the first success is the first after a failure.
        if (entry->event == "first failed attempt") failed = true;
        if (entry->event == "first success" && !failed) continue;
        const bool of_a_probe = entry->event == "probe down" || entry->event == "probe up";
        const std::string probe = of_a_probe ? attribute_or_detail(event, "probe") : "";
        const bool of_all = entry->event == "first success" || entry->event == "first failed attempt";
        const std::string key = entry->event + (of_all ? "" : "/" + entry->host) + "/" + probe;
        if (entry->event == "heal" || seen.insert(key).second) entries.push_back(std::move(*entry));
    }
    return entries;
}

}  // namespace understudy::report
