// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/measured_start.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "sim/scenario/core/slowness.hpp"

namespace understudy::lab {
namespace {

struct HostProgress {
    std::optional<Duration> powered_on, process_started, lease_taken;
    Duration journal_wait{};
};

class Measuring {
  public:
    void handle(const scenario::RegionEvent& told) {
        if (scenario::is_machine_busy(told)) busy_ = told.at;
        if (is(told.event, "lab", "fault_applied")) faulted_ = true;
    }
    void lengthen(Duration& longest, std::optional<Duration>& since, Duration at) const {
        if (since && (!faulted_ || was_busy_since(*since))) longest = std::max(longest, at - *since);
        since.reset();
    }
    // A process that ends before it was told whether it has the lease is started again: on a busy machine its
    // time counts on.
    void begin(std::optional<Duration>& since, Duration at) const {
        if (!since || !was_busy_since(*since)) since = at;
    }

  private:
    bool was_busy_since(Duration since) const { return busy_ && *busy_ >= since; }

    std::optional<Duration> busy_;
    bool faulted_ = false;
};

}  // namespace

topology::MeasuredStart measure_start(const std::vector<scenario::RegionEvent>& events,
                                      const std::vector<std::string>& hosts) {
    topology::MeasuredStart measured;
    std::map<std::string, HostProgress> progress;
    Measuring measuring;
    for (const auto& told : events) {
        const auto& [at, host, event] = told;
        measuring.handle(told);
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) continue;
        HostProgress& seen = progress[host];
        if (is(event, "lab", "host_state") && string_attribute(event, "state") == "starting") {
            seen = HostProgress{};
            seen.powered_on = at;
        } else if (is(event, "agent", "unit_started") && string_attribute(event, "unit") == "node") {
            measuring.lengthen(measured.host_start, seen.powered_on, at);
            measuring.begin(seen.process_started, at);
        } else if (event.source != "node") {
            continue;
        } else if (event.name == "lease_taken" || event.name == "lease_refused") {
            measuring.lengthen(measured.process_to_lease, seen.process_started, at);
            if (event.name == "lease_taken") seen.lease_taken = at;
        } else if (event.name == "journal_locked") {
            seen.journal_wait = std::chrono::milliseconds(integer_attribute(event, "wait_ms").value_or(0));
        } else if (event.name == "lease_lost") {
            seen.lease_taken.reset();
        } else if (event.name == "active") {
            if (seen.lease_taken) *seen.lease_taken += seen.journal_wait;
            measuring.lengthen(measured.lease_to_ports, seen.lease_taken, at);
        }
    }
    return measured;
}

}  // namespace understudy::lab
