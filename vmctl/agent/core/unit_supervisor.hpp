// SPDX-License-Identifier: Apache-2.0
// Which of a host's units run, decided without touching a process.
//
//   waiting -> starting -> ready <-> running      exit: restarting (after restart_delay: waiting) | failed |
//   stopped
//
// A unit starts when all it requires are ready. A requirement that is lost later does not stop it, but holds
// back its next start. Rule of restarts: systemd.service(5), Restart= and RestartSec=, without a growing
// delay.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

struct UnitsConfigured {
    std::vector<UnitSpec> units;
};  // validated; only while no unit runs
struct UnitSpawned {
    std::string unit;
    int pid = 0;
};
struct UnitSpawnFailed {
    std::string unit;
};  // counts as an exit with status 127
struct UnitExited {
    std::string unit;
    std::optional<int> status;
    std::optional<int> signal;
};
struct UnitReady {
    std::string unit;
};
struct UnitNotReady {
    std::string unit;
};
struct StartRequested {
    std::string unit;
};
struct StopRequested {
    std::string unit;
};
struct ShutdownRequested {};  // stops all, dependents first; nothing starts any more
using UnitEvent = std::variant<UnitsConfigured, UnitSpawned, UnitSpawnFailed, UnitExited, UnitReady,
                               UnitNotReady, StartRequested, StopRequested, ShutdownRequested>;

struct SpawnUnit {
    std::string unit;
};
struct SignalProcess {
    std::string unit;
    int signal = 0;
};
struct ReportState {
    UnitState state;
};
struct AllStopped {};  // after ShutdownRequested, once
using UnitAction = std::variant<SpawnUnit, SignalProcess, ReportState, AllStopped>;

class UnitSupervisor {
  public:
    // Events of unknown units are passed over: a process may outlive what was known of it.
    void handle(const UnitEvent& event, Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<UnitAction> take_actions();
    const UnitSpec* find(const std::string& unit) const;
    std::vector<UnitState> states() const;

  private:
    struct Waiting {};
    struct Up {
        UnitStateName phase = UnitStateName::starting;
    };
    struct Stopping {
        Instant kill_at;
        bool killed = false;
        bool start_again = false;
    };
    struct Restarting {
        Instant at;
    };
    struct Stopped {};
    struct Failed {};
    struct Unit {
        UnitSpec spec;
        std::variant<Waiting, Up, Stopping, Restarting, Stopped, Failed> state;
        std::optional<int> pid, exit_status, exit_signal;
        std::int64_t restarts = 0;
    };
    Unit* find_unit(const std::string& name);
    void exited(Unit& unit, std::optional<int> status, std::optional<int> signal, Instant now);
    void stop(Unit& unit, Instant now);
    void start_what_may_start();
    void go_on_shutting_down(Instant now);
    static UnitState describe(const Unit& unit);
    void report(const Unit& unit) { actions_.push_back(ReportState{describe(unit)}); }

    std::vector<Unit> units_;
    std::vector<UnitAction> actions_;
    bool shutting_down_ = false;
    bool all_stopped_ = false;
};

}  // namespace understudy::vmctl
