// SPDX-License-Identifier: Apache-2.0
// The region's state as `understudy status --json` prints it, put together from what the hub has seen, the
// hosts, and the faults in force. Borrows all of them: make it, ask it, drop it. Threads: the region's, one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sim/lab/core/fault_ledger.hpp"
#include "sim/lab/event_hub.hpp"
#include "sim/lab/host.hpp"
#include "sim/lab/supervisor.hpp"

namespace understudy::lab {

struct RegionParts {
    const SupervisorOptions& options;
    const EventHub& hub;
    const std::vector<std::shared_ptr<Host>>& hosts;
    const FaultLedger& ledger;
    bool started = false;  // every host has been powered on
};

class StatusDocument {
  public:
    explicit StatusDocument(const RegionParts& region) : region_(region) {}

    // Every host serves what it is awaited to, the highly available node is active, and a client has paid.
    bool ready() const;
    // With `memory`, each host's resident bytes too: they are added up from /proc, which is not for every
    // poll.
    json::object document(bool memory) const;

  private:
    bool host_ready(const Host& host) const;
    json::object host_status(const Host& host, bool memory) const;
    json::object balancer_status(const std::string& name) const;
    json::array fault_status() const;

    RegionParts region_;
};

}  // namespace understudy::lab
