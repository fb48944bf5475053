// SPDX-License-Identifier: Apache-2.0
// A running region from outside, for whoever drives it: its events as they come, faults, units, commands and
// audits. Blocking; one thread. Every call has a limit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/node/core/audit.hpp"
#include "sim/scenario/core/region_event.hpp"
#include "sim/scenario/core/scenario.hpp"

namespace understudy::lab {

struct CommandOutcome {
    int status = 0;
    std::string out;
    std::string err;
};

class RemoteRegion {
  public:
    // Follows the region's events from its first one on.
    static Result<RemoteRegion> connect(const std::string& name);

    Duration region_time() const;
    // Nothing when `limit` has passed without one.
    Result<std::optional<scenario::RegionEvent>> next_event(Duration limit);

    Result<void> apply(const scenario::Fault& fault);
    Result<void> heal(const std::string& id);  // empty: all
    Result<void> stop_unit(const std::string& host, const std::string& unit);
    Result<CommandOutcome> exec(const std::string& host, const std::vector<std::string>& argv,
                                Duration limit);
    Result<std::string> accelerator();
    // What a party's database says of payments; `host` is where its database is.
    Result<node::Audit> audit(const std::string& host, const std::string& node);

  private:
    RemoteRegion(std::string name, ControlClient events, ControlClient requests)
        : name_(std::move(name)), events_(std::move(events)), requests_(std::move(requests)) {}
    std::string name_;
    ControlClient events_;
    ControlClient requests_;
    Instant region_start_{};
};

}  // namespace understudy::lab
