// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/slowness.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace understudy::scenario {
namespace {

// The lab tells of a second when it is over; what it did to a renewal shows within the next.
constexpr Duration after_busy = 3s;

}  // namespace

bool is_machine_busy(const RegionEvent& event) {
    return is(event.event, "lab", "machine_busy");
}

std::vector<LostLease> leases_lost_to_slowness(const std::vector<RegionEvent>& events,
                                               const std::vector<std::string>& hosts) {
    std::vector<LostLease> lost;
    std::map<std::string, bool> faulted;  // targets; true: healed
    std::optional<Duration> busy;
    const auto carries_node = [&](const std::string& host) {
        return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
    };
    const auto concerns = [&](const std::string& target, const std::string& host) {
        return target == host || !carries_node(target);
    };
    for (const RegionEvent& told : events) {
        const Event& event = told.event;
        if (is_machine_busy(told)) busy = told.at;
        if (is(event, "lab", "fault_applied")) faulted[told.host] = false;
        if (is(event, "lab", "fault_healed")) faulted[told.host] = true;
        if (event.source != "node" || !carries_node(told.host)) continue;
        if (event.name == "lease_taken" || event.name == "lease_renewed")
            std::erase_if(
                faulted, [&](const auto& fault) { return fault.second && concerns(fault.first, told.host); });
        if (event.name != "lease_lost" || string_attribute(event, "cause") != "unconfirmed") continue;
        const bool provoked = std::any_of(faulted.begin(), faulted.end(), [&](const auto& fault) {
            return concerns(fault.first, told.host);
        });
        if (!provoked && busy && told.at - *busy <= after_busy) lost.push_back({told.at, told.host});
    }
    return lost;
}

}  // namespace understudy::scenario
