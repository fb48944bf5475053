// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/core/region_status.hpp"

#include <algorithm>

namespace understudy::lab {
namespace {

std::string text_of(const Event& event, const char* name) {
    return string_attribute(event, name).value_or("");
}

}  // namespace

bool BackendStatus::healthy() const {
    return !probes.empty() &&
           std::all_of(probes.begin(), probes.end(), [](const auto& probe) { return probe.second.up; });
}

std::string BackendStatus::reason() const {
    for (const auto& [name, probe] : probes)
        if (!probe.up) return name + ": " + probe.reason;
    return probes.empty() ? "no probe has ended yet" : "every probe succeeds";
}

void RegionStatus::handle(const scenario::RegionEvent& occurred) {
    const Event& event = occurred.event;
    HostStatus& host = hosts_[occurred.host];
    const auto told_probe = [&]() -> ProbeStatus& {
        return balancers_[occurred.host][text_of(event, "backend")].probes[text_of(event, "probe")];
    };
    if (is(event, "lab", "host_state")) {
        host.state = text_of(event, "state");
        host.since = occurred.at;
        if (host.state == "off" || host.state == "starting") {
            host.node_active = false;
            host.units_ready.clear();
        }
    } else if (is(event, "agent", "unit_exited") || is(event, "agent", "unit_started")) {
        host.units_ready[text_of(event, "unit")] = false;
        if (text_of(event, "unit") == "node") host.node_active = false;
    } else if (event.name == "ready" || event.name == "not_ready") {
        const auto unit = string_attribute(event, "unit");
        host.units_ready[unit.value_or(event.source)] = event.name == "ready";
    } else if (is(event, "node", "active") || is(event, "node", "stopped")) {
        host.node_active = event.name == "active";
    } else if (is(event, "lb", "probe_up") || is(event, "lb", "probe_down")) {
        told_probe() = {event.name == "probe_up", event.detail};
    } else if (is(event, "lb", "probe_failed")) {
        if (ProbeStatus& probe = told_probe(); !probe.up) probe.reason = event.detail;
    } else if (is(event, "client", "attempt")) {
        acknowledged_ = acknowledged_ || text_of(event, "outcome") == "acknowledged";
    }
}

const HostStatus& RegionStatus::host(const std::string& name) const {
    static const HostStatus unknown;
    const auto found = hosts_.find(name);
    return found == hosts_.end() ? unknown : found->second;
}

std::optional<std::string> RegionStatus::active(const std::vector<std::string>& hosts_of_node) const {
    for (const std::string& name : hosts_of_node)
        if (host(name).node_active) return name;
    return std::nullopt;
}

bool RegionStatus::unit_ready(const std::string& host_name, const std::string& unit) const {
    const HostStatus& view = host(host_name);
    const auto found = view.units_ready.find(unit);
    return found != view.units_ready.end() && found->second;
}

const std::map<std::string, BackendStatus>& RegionStatus::backends(const std::string& balancer) const {
    static const std::map<std::string, BackendStatus> none;
    const auto found = balancers_.find(balancer);
    return found == balancers_.end() ? none : found->second;
}

}  // namespace understudy::lab
