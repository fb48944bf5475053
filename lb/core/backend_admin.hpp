// SPDX-License-Identifier: Apache-2.0
// What is wanted of one backend, beside what its probes say. Pure: `now` is handed in.
//
//   enabled --drain()--> draining --no flow left, or the time limit--> disabled --enable()--> enabled
//      `---------------------------disable()--------------------------->'
//
// Only an enabled backend takes new flows. Draining lets the established ones end by themselves: how many are
// left is asked for (CountFlows) at once and then every flow_count_interval, and what is left at the time
// limit is ended. Disabling leaves them alone. Beside that a backend's machine may be stopped: then it takes
// no flow and is not probed, whatever is wanted of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::lb {

enum class AdminState { enabled, draining, disabled };

constexpr Duration flow_count_interval = 500ms;

// How many established flows the backend has is to be told by flows_left().
struct FlowCountWanted {};

// What is still established on the backend is to end.
struct DrainOverdue {
    std::string reason;
};

enum class AdminChange { enabled, disabled, draining, drained, stopped, started };

// It has just come true, for this reason in words.
struct AdminChanged {
    AdminChange change = AdminChange::enabled;
    std::string reason;
};

using AdminAction = std::variant<FlowCountWanted, DrainOverdue, AdminChanged>;

class BackendAdmin {
  public:
    explicit BackendAdmin(bool enabled) : state_(enabled ? State(Enabled{}) : State(Disabled{})) {}

    // Without effect where it is so already. drain() is without effect on a disabled backend.
    void enable(std::string reason);
    void disable(std::string reason);
    void drain(Instant now, Duration limit, const std::string& reason);
    void stopped(const std::string& reason);
    void started(const std::string& reason);
    void flows_left(std::uint64_t count);

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<AdminAction> take_actions();

    AdminState state() const;
    bool is_stopped() const { return stopped_; }
    bool takes_flows() const { return state() == AdminState::enabled && !stopped_; }
    // Of the last change; empty while there was none.
    const std::string& reason() const { return reason_; }

  private:
    struct Enabled {};
    struct Draining {
        Instant next_count;
        Instant overdue;
        Duration limit;
        std::uint64_t left = 0;
    };
    struct Disabled {};
    using State = std::variant<Enabled, Draining, Disabled>;
    void change(AdminChange what, std::string reason);

    State state_;
    bool stopped_ = false;
    std::string reason_;
    std::vector<AdminAction> actions_;
};

const char* to_string(AdminState state);
const char* to_string(AdminChange change);

}  // namespace understudy::lb
