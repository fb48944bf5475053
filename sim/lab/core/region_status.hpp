// SPDX-License-Identifier: Apache-2.0
// What the events so far say about the region: pure, a fold over them. It answers who is active, what state
// each host and unit is in and what each balancer's probes see; `status` is a rendering of it. Times are
// region time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sim/scenario/core/region_event.hpp"

namespace understudy::lab {

struct ProbeStatus {
    bool up = false;
    std::string reason = "no probe has ended yet";
};

struct BackendStatus {
    std::map<std::string, ProbeStatus> probes;  // by probe name
    bool healthy() const;                       // every probe is up, and there is one
    std::string reason() const;  // of the first probe that is down, else of the last that came up
};

struct HostStatus {
    std::string state = "off";  // off, starting, running, paused
    Duration since{};           // in this state
    bool node_active = false;
    std::map<std::string, bool> units_ready;  // by unit name
};

class RegionStatus {
  public:
    void handle(const scenario::RegionEvent& event);

    const HostStatus& host(const std::string& name) const;
    std::optional<std::string> active(const std::vector<std::string>& hosts_of_node) const;
    bool unit_ready(const std::string& host, const std::string& unit) const;
    const std::map<std::string, BackendStatus>& backends(const std::string& balancer) const;  // by host
    bool a_payment_was_acknowledged() const { return acknowledged_; }

  private:
    std::map<std::string, HostStatus> hosts_;
    std::map<std::string, std::map<std::string, BackendStatus>> balancers_;
    bool acknowledged_ = false;
};

}  // namespace understudy::lab
