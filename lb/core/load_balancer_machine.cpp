// SPDX-License-Identifier: Apache-2.0
#include "lb/core/load_balancer_machine.hpp"

#include <utility>

#include "base/assert.hpp"

namespace understudy::lb {

LoadBalancerMachine::LoadBalancerMachine(MachineSettings settings, Instant start)
    : settings_(std::move(settings)) {
    const auto total = static_cast<Duration::rep>(settings_.probes.size() * settings_.hosts.size());
    Duration::rep place = 0;
    for (const ProbeTiming& timing : settings_.probes) {
        pools_.emplace_back(settings_.hosts);
        for (std::size_t backend = 0; backend < settings_.hosts.size(); ++backend, ++place)
            machines_.emplace_back(timing, start, Duration(timing.interval.count() / total * place));
    }
    for (const auto& rule : settings_.rules)
        UNDERSTUDY_ASSERT(rule.probe < settings_.probes.size(), "a rule names a probe that there is");
}

void LoadBalancerMachine::handle(const MachineEvent& event, Instant now) {
    const auto& finished = std::get<ProbeFinished>(event);
    machine(finished.backend, finished.probe).handle(finished.result, now);
    collect(finished.backend, finished.probe);
}

void LoadBalancerMachine::on_timeout(Instant now) {
    for (std::size_t probe = 0; probe < settings_.probes.size(); ++probe) {
        for (std::size_t backend = 0; backend < settings_.hosts.size(); ++backend) {
            machine(backend, probe).on_timeout(now);
            collect(backend, probe);
        }
    }
}

std::optional<Deadline> LoadBalancerMachine::next_deadline() const {
    std::optional<Deadline> next;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        auto deadline = machines_[i].next_deadline();
        if (deadline) deadline->sequence = i;
        next = earlier(next, deadline);
    }
    return next;
}

std::vector<MachineAction> LoadBalancerMachine::take_actions() {
    return std::exchange(actions_, {});
}

std::optional<std::size_t> LoadBalancerMachine::route(std::size_t rule, const FlowKey& flow,
                                                      std::span<const std::size_t> tried) const {
    return pool_of_rule(rule).choose(flow, tried);
}

void LoadBalancerMachine::collect(std::size_t backend, std::size_t probe) {
    for (ProbeAction& action : machine(backend, probe).take_actions()) {
        if (auto* verdict = std::get_if<ProbeVerdict>(&action))
            apply(backend, probe, *verdict);
        else
            actions_.emplace_back(StartProbe{backend, probe, settings_.probes[probe].time_limit});
    }
}

void LoadBalancerMachine::apply(std::size_t backend, std::size_t probe, const ProbeVerdict& verdict) {
    BackendPool& pool = pools_[probe];
    const PoolState before = pool.state();
    if (verdict.change == ProbeChange::changed) pool.set_health(backend, verdict.health);
    actions_.emplace_back(ProbeReport{backend, probe, verdict});
    const PoolState after = pool.state();
    if (before == after) return;
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule) {
        if (settings_.rules[rule].probe != probe) continue;
        if (before == PoolState::empty) actions_.emplace_back(HealthyBackendAgain{rule, backend});
        if (after == PoolState::empty) actions_.emplace_back(NoHealthyBackend{rule, verdict.reason});
    }
}

}  // namespace understudy::lb
