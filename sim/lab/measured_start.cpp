// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/measured_start.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace understudy::lab {
namespace {

struct HostProgress {
    std::optional<Duration> powered_on, process_started, lease_taken;
    Duration journal_wait{};
};

void lengthen(Duration& longest, std::optional<Duration>& since, Duration at) {
    if (since) longest = std::max(longest, at - *since);
    since.reset();
}

}  // namespace

topology::MeasuredStart measure_start(const std::vector<scenario::RegionEvent>& events,
                                      const std::vector<std::string>& hosts) {
    topology::MeasuredStart measured;
    std::map<std::string, HostProgress> progress;
    for (const auto& [at, host, event] : events) {
        if (event.source == "lab" && event.name == "fault_applied") break;
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) continue;
        HostProgress& seen = progress[host];
        if (event.source == "lab" && event.name == "host_state" &&
            string_attribute(event, "state") == "starting") {
            seen.powered_on = at;
        } else if (event.source == "agent" && event.name == "unit_started" &&
                   string_attribute(event, "unit") == "node") {
            lengthen(measured.host_start, seen.powered_on, at);
            seen.process_started = at;
        } else if (event.source != "node") {
            continue;
        } else if (event.name == "lease_taken" || event.name == "lease_refused") {
            lengthen(measured.process_to_lease, seen.process_started, at);
            if (event.name == "lease_taken") seen.lease_taken = at;
        } else if (event.name == "journal_locked") {
            seen.journal_wait = std::chrono::milliseconds(integer_attribute(event, "wait_ms").value_or(0));
        } else if (event.name == "active") {
            if (seen.lease_taken) *seen.lease_taken += seen.journal_wait;
            lengthen(measured.lease_to_ports, seen.lease_taken, at);
        }
    }
    return measured;
}

}  // namespace understudy::lab
