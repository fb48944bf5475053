// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.hpp"
#include "lb/core/load_balancer_machine.hpp"

namespace understudy::lb {
namespace {

// Where each of `now` was in `before`, if it was there.
template <typename T, typename Same>
std::vector<std::optional<std::size_t>> places(const std::vector<T>& before, const std::vector<T>& now,
                                               Same same) {
    std::vector<std::optional<std::size_t>> found;
    for (const T& item : now) {
        const auto at =
            std::find_if(before.begin(), before.end(), [&](const T& other) { return same(item, other); });
        found.push_back(at == before.end() ? std::nullopt
                                           : std::optional(static_cast<std::size_t>(at - before.begin())));
    }
    return found;
}

bool same_host(const MachineSettings::Backend& a, const MachineSettings::Backend& b) {
    return a.host == b.host;
}

bool same_host_and_address(const MachineSettings::Backend& a, const MachineSettings::Backend& b) {
    return a.host == b.host && a.address == b.address;
}

bool same_probe(const MachineSettings::Probe& a, const MachineSettings::Probe& b) {
    return a.name == b.name && a.target == b.target;
}

}  // namespace

LoadBalancerMachine LoadBalancerMachine::reloaded(MachineSettings settings, Instant now) const {
    UNDERSTUDY_ASSERT(actions_.empty() && ends_.empty(), "actions are carried out before a reload");
    LoadBalancerMachine next(std::move(settings), now);
    next.next_run_ = next_run_;
    next.actions_.clear();
    next.told_empty_.assign(next.told_empty_.size(), false);
    const auto hosts = places(settings_.backends, next.settings_.backends, same_host);
    const auto probes = places(settings_.probes, next.settings_.probes, same_probe);
    const auto rules = places(settings_.rules, next.settings_.rules,
                              [](const auto& a, const auto& b) { return a.name == b.name; });

    for (std::size_t backend = 0; backend < hosts.size(); ++backend) {
        if (!hosts[backend]) continue;
        const auto& was = settings_.backends[*hosts[backend]];
        const auto& is = next.settings_.backends[backend];
        next.admins_[backend] = admins_[*hosts[backend]];
        if (was.enabled && !is.enabled) next.admins_[backend].disable("by the configuration");
        if (!was.enabled && is.enabled) next.admins_[backend].enable("by the configuration");
        for (std::size_t probe = 0; probe < probes.size(); ++probe) {
            ProbeMachine& machine = next.machine(backend, probe);
            if (probes[probe] && same_host_and_address(was, is))
                machine.take_over(this->probe(*hosts[backend], *probes[probe]), now);
            else if (next.admins_[backend].is_stopped())
                machine.suspend();
        }
    }
    const auto later_hosts = places(next.settings_.backends, settings_.backends, same_host_and_address);
    const auto later_probes = places(next.settings_.probes, settings_.probes, same_probe);
    for (const auto& [number, run] : runs_)
        if (later_hosts[run.backend] && later_probes[run.probe])
            next.runs_.emplace(number, Run{*later_hosts[run.backend], *later_probes[run.probe]});
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
        if (rules[rule]) next.told_empty_[rule] = told_empty_[*rules[rule]];
    std::vector<std::size_t> falling_back;
    for (std::size_t probe = 0; probe < probes.size(); ++probe)
        if (probes[probe] && pools_[*probes[probe]].falls_back()) falling_back.push_back(probe);
    next.settle_after_reload(falling_back);
    return next;
}

// Like update() for everything at once: nothing has gone down just now, so nothing is ended.
void LoadBalancerMachine::settle_after_reload(const std::vector<std::size_t>& falling_back) {
    for (std::size_t backend = 0; backend < admins_.size(); ++backend) {
        for (std::size_t probe = 0; probe < pools_.size(); ++probe)
            pools_[probe].set(backend, {machine(backend, probe).health(), admins_[backend].takes_flows(),
                                        admins_[backend].is_stopped()});
        collect(backend);
    }
    for (const std::size_t probe : falling_back) pools_[probe].fall_back_again();
    for (std::size_t probe = 0; probe < pools_.size(); ++probe) {
        const auto eligible = pools_[probe].eligible();
        tell(probe, eligible.empty() ? 0 : eligible.front(), "the configuration was reloaded");
    }
    told_table_ = table_;
}

}  // namespace understudy::lb
