// SPDX-License-Identifier: Apache-2.0
#include "lb/snapshot.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/assert.hpp"

namespace understudy::lb {
namespace {

ProbeSnapshot probe_of(const Probe& probe, const ProbeMachine& machine) {
    ProbeSnapshot made{probe.name, machine.health(), {}, {}, machine.past()};
    if (const auto& change = machine.last_change()) {
        made.reason = change->verdict.reason;
        made.since = change->at;
    }
    return made;
}

void judge(BackendSnapshot& backend, const BackendAdmin& admin) {
    const auto decide = [&](BackendState state, std::string reason) {
        backend.state = state;
        backend.reason = std::move(reason);
    };
    const auto wanted = [&] { return admin.reason().empty() ? "by the configuration" : admin.reason(); };
    if (admin.is_stopped()) return decide(BackendState::stopped, wanted());
    if (admin.state() == AdminState::disabled) return decide(BackendState::disabled, wanted());
    if (admin.state() == AdminState::draining) return decide(BackendState::draining, wanted());
    decide(BackendState::up, "it has no probe");
    for (const Health health : {Health::down, Health::unknown, Health::up}) {
        for (const ProbeSnapshot& probe : backend.probes) {
            if (probe.health != health) continue;
            if (health == Health::unknown)
                return decide(
                    BackendState::unknown,
                    fmt::format("{}: {}", probe.probe,
                                probe.past.empty() ? "no result yet" : probe.past.back().verdict.reason));
            return decide(health == Health::up ? BackendState::up : BackendState::down,
                          fmt::format("{}: {}", probe.probe, probe.reason));
        }
    }
}

}  // namespace

Snapshot snapshot_of(const Config& config, const LoadBalancerMachine& machine, Traffic traffic, Instant now) {
    Snapshot made{config.name, now, {}, {}, {}, std::move(traffic)};
    for (std::size_t i = 0; i < config.backends.size(); ++i) {
        BackendSnapshot& backend = made.backends.emplace_back();
        backend.host = config.backends[i].host;
        backend.address = config.backends[i].address;
        for (std::size_t probe = 0; probe < config.probes.size(); ++probe)
            backend.probes.push_back(probe_of(config.probes[probe], machine.probe(i, probe)));
        judge(backend, machine.admin(i));
    }
    for (std::size_t i = 0; i < config.rules.size(); ++i) {
        RuleSnapshot& rule = made.rules.emplace_back();
        rule.name = config.rules[i].name;
        rule.falls_back = machine.pool(machine.settings().rules[i].probe).falls_back();
        for (const std::size_t backend : machine.table().rules[i].eligible)
            rule.eligible.push_back(config.backends[backend].host);
    }
    for (const InboundNatRule& rule : config.inbound_nat_rules)
        made.inbound_nat_rules.push_back({rule.name, rule.host});
    return made;
}

const char* to_string(BackendState state) {
    switch (state) {
        case BackendState::unknown:
            return "unknown";
        case BackendState::up:
            return "up";
        case BackendState::down:
            return "down";
        case BackendState::draining:
            return "draining";
        case BackendState::disabled:
            return "disabled";
        case BackendState::stopped:
            return "stopped";
    }
    invariant_broken("state", "a BackendState outside the enumeration", __FILE__, __LINE__);
}

}  // namespace understudy::lb
