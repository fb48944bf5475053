// SPDX-License-Identifier: Apache-2.0
#include "lb/core/load_balancer_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.hpp"

namespace understudy::lb {
namespace {

// The place of one of `total` probes within its interval.
Duration offset_of(const ProbeTiming& timing, Duration::rep place, Duration::rep total) {
    return Duration(timing.interval.count() / total * place);
}

constexpr const char* by_administrator = "by the administrator";

}  // namespace

LoadBalancerMachine::LoadBalancerMachine(MachineSettings settings, Instant start)
    : settings_(std::move(settings)), told_empty_(settings_.rules.size(), false) {
    const std::size_t backends = settings_.backends.size();
    const auto total = static_cast<Duration::rep>(settings_.probes.size() * backends);
    Duration::rep place = 0;
    for (const auto& backend : settings_.backends) admins_.emplace_back(backend.enabled);
    for (const auto& probe : settings_.probes) {
        pools_.emplace_back(backends, probe.no_healthy_backends);
        for (std::size_t backend = 0; backend < backends; ++backend, ++place) {
            machines_.emplace_back(probe.timing, start, offset_of(probe.timing, place, total));
            pools_.back().set(backend, {Health::unknown, admins_[backend].takes_flows(), false});
        }
    }
    for (const auto& rule : settings_.rules)
        UNDERSTUDY_ASSERT(rule.probe < settings_.probes.size(), "a rule names a probe that there is");
    table_.rules.resize(settings_.rules.size());
    told_table_ = table_;
    for (std::size_t probe = 0; probe < pools_.size(); ++probe)
        if (pools_[probe].state() == PoolState::empty) tell(probe, 0, "every backend is disabled");
}

void LoadBalancerMachine::handle(const MachineEvent& event, Instant now) {
    std::visit([&](const auto& held) { apply(held, now); }, event);
}

void LoadBalancerMachine::on_timeout(Instant now) {
    for (std::size_t probe = 0; probe < settings_.probes.size(); ++probe) {
        for (std::size_t backend = 0; backend < settings_.backends.size(); ++backend) {
            machine(backend, probe).on_timeout(now);
            collect(backend, probe);
        }
    }
    for (std::size_t backend = 0; backend < admins_.size(); ++backend) {
        admins_[backend].on_timeout(now);
        collect(backend);
    }
}

std::optional<Deadline> LoadBalancerMachine::next_deadline() const {
    std::optional<Deadline> next;
    std::uint64_t sequence = 0;
    const auto consider = [&](std::optional<Deadline> deadline) {
        if (deadline) deadline->sequence = sequence;
        ++sequence;
        next = earlier(next, deadline);
    };
    for (const ProbeMachine& held : machines_) consider(held.next_deadline());
    for (const BackendAdmin& held : admins_) consider(held.next_deadline());
    return next;
}

std::vector<MachineAction> LoadBalancerMachine::take_actions() {
    std::vector<MachineAction> taken;
    if (table_ != told_table_) taken.emplace_back(told_table_ = table_);
    std::move(actions_.begin(), actions_.end(), std::back_inserter(taken));
    std::move(ends_.begin(), ends_.end(), std::back_inserter(taken));
    actions_.clear();
    ends_.clear();
    return taken;
}

std::optional<std::size_t> LoadBalancerMachine::route(std::size_t rule, const FlowKey& flow,
                                                      std::span<const std::size_t> tried) const {
    std::vector<Candidate> candidates;
    for (const std::size_t backend : table_.rules.at(rule).eligible)
        candidates.push_back({backend, identity_of(settings_.backends[backend].host)});
    return choose(flow, candidates, tried, settings_.rules[rule].distribution);
}

void LoadBalancerMachine::apply(const ProbeFinished& event, Instant now) {
    const auto found = runs_.find(event.run);
    if (found == runs_.end()) return;
    const Run run = found->second;
    runs_.erase(found);
    machine(run.backend, run.probe).handle(event.result, now);
    collect(run.backend, run.probe);
}

void LoadBalancerMachine::apply(const BackendStopped& event, Instant) {
    if (admins_.at(event.backend).is_stopped()) return;
    for (std::size_t probe = 0; probe < settings_.probes.size(); ++probe)
        machine(event.backend, probe).suspend();
    admins_[event.backend].stopped(event.reason);
    collect(event.backend);
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule)
        if (settings_.end_on_backend_down || settings_.rules[rule].udp)
            end(rule, event.backend, event.reason);
}

void LoadBalancerMachine::apply(const BackendStarted& event, Instant now) {
    if (!admins_.at(event.backend).is_stopped()) return;
    for (std::size_t probe = 0; probe < settings_.probes.size(); ++probe)
        machine(event.backend, probe).resume(now);
    admins_[event.backend].started(event.reason);
    collect(event.backend);
}

void LoadBalancerMachine::apply(const BackendEnable& event, Instant) {
    admins_.at(event.backend).enable(by_administrator);
    collect(event.backend);
}

void LoadBalancerMachine::apply(const BackendDisable& event, Instant) {
    admins_.at(event.backend).disable(by_administrator);
    collect(event.backend);
}

void LoadBalancerMachine::apply(const BackendDrain& event, Instant now) {
    admins_.at(event.backend).drain(now, settings_.drain_timeout, by_administrator);
    collect(event.backend);
}

void LoadBalancerMachine::apply(const FlowsLeft& event, Instant) {
    admins_.at(event.backend).flows_left(event.count);
    collect(event.backend);
}

void LoadBalancerMachine::collect(std::size_t backend, std::size_t probe) {
    for (ProbeAction& action : machine(backend, probe).take_actions()) {
        if (auto* verdict = std::get_if<ProbeVerdict>(&action)) {
            report(backend, probe, std::move(*verdict));
            continue;
        }
        runs_.emplace(next_run_, Run{backend, probe});
        actions_.emplace_back(
            StartProbe{backend, probe, next_run_++, settings_.probes[probe].timing.time_limit});
    }
}

void LoadBalancerMachine::collect(std::size_t backend) {
    for (AdminAction& action : admins_[backend].take_actions()) {
        if (std::holds_alternative<FlowCountWanted>(action)) {
            actions_.emplace_back(CountFlows{backend});
        } else if (auto* overdue = std::get_if<DrainOverdue>(&action)) {
            for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule)
                end(rule, backend, overdue->reason);
        } else {
            auto& changed = std::get<AdminChanged>(action);
            const std::string reason = fmt::format("{} {}: {}", settings_.backends[backend].host,
                                                   to_string(changed.change), changed.reason);
            actions_.emplace_back(BackendChanged{backend, changed.change, std::move(changed.reason)});
            for (std::size_t probe = 0; probe < settings_.probes.size(); ++probe)
                update(backend, probe, reason);
        }
    }
}

void LoadBalancerMachine::report(std::size_t backend, std::size_t probe, ProbeVerdict verdict) {
    const std::string reason = verdict.reason;
    const bool changed = verdict.change == ProbeChange::changed;
    const bool down = verdict.health == Health::down;
    actions_.emplace_back(ProbeReport{backend, probe, std::move(verdict)});
    if (!changed) return;
    update(backend, probe, reason);
    if (!down || pools_[probe].falls_back()) return;
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule) {
        if (settings_.rules[rule].probe != probe) continue;
        if (settings_.end_on_backend_down || settings_.rules[rule].udp) end(rule, backend, reason);
    }
}

// Brings the pool, the table and what was told of them up to date with one backend.
void LoadBalancerMachine::update(std::size_t backend, std::size_t probe, const std::string& reason) {
    BackendPool& pool = pools_[probe];
    const BackendAdmin& admin = admins_[backend];
    const PoolMember member{machine(backend, probe).health(), admin.takes_flows(), admin.is_stopped()};
    if (pool.member(backend) == member) return;
    const bool were_all_down = pool.all_down();
    pool.set(backend, member);
    tell(probe, backend, reason);
    if (were_all_down || !pool.all_down() || pool.falls_back() || !settings_.end_when_all_down) return;
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule) {
        if (settings_.rules[rule].probe != probe) continue;
        for (std::size_t other = 0; other < settings_.backends.size(); ++other)
            end(rule, other, fmt::format("every backend of the rule is down; the last: {}", reason));
    }
}

void LoadBalancerMachine::tell(std::size_t probe, std::size_t backend, const std::string& reason) {
    const BackendPool& pool = pools_[probe];
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule) {
        if (settings_.rules[rule].probe != probe) continue;
        table_.rules[rule].eligible = pool.eligible();
        if (pool.state() == PoolState::serving && told_empty_[rule]) {
            told_empty_[rule] = false;
            actions_.emplace_back(HealthyBackendAgain{rule, backend});
        } else if (pool.state() == PoolState::empty && !told_empty_[rule]) {
            told_empty_[rule] = true;
            actions_.emplace_back(NoHealthyBackend{rule, pool.falls_back(), reason});
        }
    }
}

// Each flow is ended once, for the first reason of the batch.
void LoadBalancerMachine::end(std::size_t rule, std::size_t backend, const std::string& reason) {
    const auto same = [&](const EndEstablished& held) {
        return held.rule == rule && held.backend == backend;
    };
    if (std::none_of(ends_.begin(), ends_.end(), same)) ends_.push_back({rule, backend, reason});
}

}  // namespace understudy::lb
