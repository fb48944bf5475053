// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/unit_supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace understudy::vmctl {

void UnitSupervisor::handle(const UnitEvent& event, Instant now) {
    if (const auto* configured = std::get_if<UnitsConfigured>(&event)) {
        units_.clear();
        for (const UnitSpec& spec : configured->units) {
            Unit unit;
            unit.spec = spec;
            units_.push_back(std::move(unit));
            report(units_.back());
        }
    } else if (std::holds_alternative<ShutdownRequested>(event)) {
        shutting_down_ = true;
    } else if (const auto* spawned = std::get_if<UnitSpawned>(&event)) {
        if (Unit* unit = find_unit(spawned->unit)) {
            unit->pid = spawned->pid;
            report(*unit);
        }
    } else if (const auto* spawn_failed = std::get_if<UnitSpawnFailed>(&event)) {
        if (Unit* unit = find_unit(spawn_failed->unit)) exited(*unit, 127, std::nullopt, now);
    } else if (const auto* ended = std::get_if<UnitExited>(&event)) {
        if (Unit* unit = find_unit(ended->unit)) exited(*unit, ended->status, ended->signal, now);
    } else if (const auto* ready = std::get_if<UnitReady>(&event)) {
        Unit* unit = find_unit(ready->unit);
        Up* up = unit != nullptr ? std::get_if<Up>(&unit->state) : nullptr;
        if (up != nullptr && up->phase != UnitStateName::ready) {
            up->phase = UnitStateName::ready;
            report(*unit);
        }
    } else if (const auto* not_ready = std::get_if<UnitNotReady>(&event)) {
        Unit* unit = find_unit(not_ready->unit);
        Up* up = unit != nullptr ? std::get_if<Up>(&unit->state) : nullptr;
        if (up != nullptr && up->phase == UnitStateName::ready) {
            up->phase = UnitStateName::running;
            report(*unit);
        }
    } else if (const auto* start = std::get_if<StartRequested>(&event)) {
        if (Unit* unit = find_unit(start->unit)) {
            if (auto* stopping = std::get_if<Stopping>(&unit->state)) {
                stopping->start_again = true;
            } else if (!std::holds_alternative<Up>(unit->state)) {
                unit->state = Waiting{};
                report(*unit);
            }
        }
    } else if (const auto* stop_request = std::get_if<StopRequested>(&event)) {
        if (Unit* unit = find_unit(stop_request->unit)) stop(*unit, now);
    }
    if (shutting_down_)
        go_on_shutting_down(now);
    else
        start_what_may_start();
}

void UnitSupervisor::on_timeout(Instant now) {
    for (Unit& unit : units_) {
        if (auto* stopping = std::get_if<Stopping>(&unit.state)) {
            if (!stopping->killed && stopping->kill_at <= now) {
                stopping->killed = true;
                actions_.push_back(SignalProcess{unit.spec.name, SIGKILL});
            }
        } else if (auto* restarting = std::get_if<Restarting>(&unit.state)) {
            if (restarting->at <= now) {
                unit.state = Waiting{};
                report(unit);
            }
        }
    }
    if (!shutting_down_) start_what_may_start();
}

std::optional<Deadline> UnitSupervisor::next_deadline() const {
    std::optional<Deadline> result;
    for (std::size_t index = 0; index < units_.size(); ++index) {
        if (const auto* stopping = std::get_if<Stopping>(&units_[index].state)) {
            if (!stopping->killed)
                result = earlier(result, Deadline{stopping->kill_at, "stop timeout", index});
        } else if (const auto* restarting = std::get_if<Restarting>(&units_[index].state)) {
            result = earlier(result, Deadline{restarting->at, "restart delay", index});
        }
    }
    return result;
}

std::vector<UnitAction> UnitSupervisor::take_actions() {
    return std::exchange(actions_, {});
}

const UnitSpec* UnitSupervisor::find(const std::string& name) const {
    const auto found =
        std::find_if(units_.begin(), units_.end(), [&](const Unit& unit) { return unit.spec.name == name; });
    return found == units_.end() ? nullptr : &found->spec;
}

UnitSupervisor::Unit* UnitSupervisor::find_unit(const std::string& name) {
    const auto found =
        std::find_if(units_.begin(), units_.end(), [&](const Unit& unit) { return unit.spec.name == name; });
    return found == units_.end() ? nullptr : &*found;
}

std::vector<UnitState> UnitSupervisor::states() const {
    std::vector<UnitState> result;
    for (const Unit& unit : units_) result.push_back(describe(unit));
    return result;
}

void UnitSupervisor::exited(Unit& unit, std::optional<int> status, std::optional<int> signal, Instant now) {
    const auto* stopping = std::get_if<Stopping>(&unit.state);
    if (stopping == nullptr && !std::holds_alternative<Up>(unit.state)) return;
    unit.pid.reset();
    unit.exit_status = status;
    unit.exit_signal = signal;
    const bool succeeded = status == 0;
    if (stopping != nullptr) {
        if (stopping->start_again)
            unit.state = Waiting{};
        else
            unit.state = Stopped{};
    } else if (unit.spec.restart == RestartPolicy::always ||
               (unit.spec.restart == RestartPolicy::on_failure && !succeeded)) {
        ++unit.restarts;
        unit.state = Restarting{now + unit.spec.restart_delay};
    } else if (succeeded) {
        unit.state = Stopped{};
    } else {
        unit.state = Failed{};
    }
    report(unit);
}

void UnitSupervisor::stop(Unit& unit, Instant now) {
    if (auto* stopping = std::get_if<Stopping>(&unit.state)) {
        stopping->start_again = false;
    } else if (std::holds_alternative<Up>(unit.state)) {
        unit.state = Stopping{now + unit.spec.stop_timeout};
        actions_.push_back(SignalProcess{unit.spec.name, SIGTERM});
        report(unit);
    } else if (!std::holds_alternative<Stopped>(unit.state)) {
        unit.state = Stopped{};
        report(unit);
    }
}

void UnitSupervisor::start_what_may_start() {
    const auto is_ready = [this](const std::string& name) {
        const Unit* unit = find_unit(name);
        const Up* up = unit != nullptr ? std::get_if<Up>(&unit->state) : nullptr;
        return up != nullptr && up->phase == UnitStateName::ready;
    };
    for (Unit& unit : units_) {
        if (!std::holds_alternative<Waiting>(unit.state)) continue;
        if (!std::all_of(unit.spec.requires_units.begin(), unit.spec.requires_units.end(), is_ready))
            continue;
        unit.state = Up{};
        actions_.push_back(SpawnUnit{unit.spec.name});
    }
}

void UnitSupervisor::go_on_shutting_down(Instant now) {
    const auto has_process = [](const Unit& unit) {
        return std::holds_alternative<Up>(unit.state) || std::holds_alternative<Stopping>(unit.state);
    };
    bool any = false;
    for (Unit& unit : units_) {
        if (auto* stopping = std::get_if<Stopping>(&unit.state)) stopping->start_again = false;
        any = any || has_process(unit);
        const bool needed = std::any_of(units_.begin(), units_.end(), [&](const Unit& other) {
            const auto& required = other.spec.requires_units;
            return has_process(other) &&
                   std::find(required.begin(), required.end(), unit.spec.name) != required.end();
        });
        if (!needed || !has_process(unit)) stop(unit, now);
    }
    if (!any && !std::exchange(all_stopped_, true)) actions_.push_back(AllStopped{});
}

UnitState UnitSupervisor::describe(const Unit& unit) {
    UnitState state{unit.spec.name,   UnitStateName::waiting, unit.pid,
                    unit.exit_status, unit.exit_signal,       unit.restarts};
    if (const auto* up = std::get_if<Up>(&unit.state))
        state.state = up->phase;
    else if (std::holds_alternative<Stopping>(unit.state))
        state.state = UnitStateName::running;
    else if (std::holds_alternative<Restarting>(unit.state))
        state.state = UnitStateName::restarting;
    else if (std::holds_alternative<Stopped>(unit.state))
        state.state = UnitStateName::stopped;
    else if (std::holds_alternative<Failed>(unit.state))
        state.state = UnitStateName::failed;
    return state;
}

}  // namespace understudy::vmctl
