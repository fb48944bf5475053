// SPDX-License-Identifier: Apache-2.0
// What a load balancer decides: when each probe is sent, who is healthy, which backend a flow goes to. Pure:
// it composes one probe machine for each probe and backend with one backend pool for each probe; `now` is
// handed in. Events in: ProbeFinished. Actions out, in the order they are to be carried out. Backends, probes
// and rules are known by their places in the settings.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "lb/core/backend_pool.hpp"
#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

struct MachineSettings {
    struct Rule {
        std::string name;
        std::size_t probe = 0;
    };
    std::vector<std::string> hosts;  // of the backends; unique
    std::vector<ProbeTiming> probes;
    std::vector<Rule> rules;
};

struct ProbeFinished {
    std::size_t backend = 0;
    std::size_t probe = 0;
    ProbeResult result;
};
using MachineEvent = std::variant<ProbeFinished>;

// Send this probe now; its result is expected as ProbeFinished within the time limit.
struct StartProbe {
    std::size_t backend = 0;
    std::size_t probe = 0;
    Duration time_limit{0};
};

// What a probe result meant. When change is `changed` the backend has just gone up or down, as health says,
// and flows are already routed by it.
struct ProbeReport {
    std::size_t backend = 0;
    std::size_t probe = 0;
    ProbeVerdict verdict;
};

// A rule has lost its last healthy backend, or never had one: once for each time that this comes true.
struct NoHealthyBackend {
    std::size_t rule = 0;
    std::string reason;  // of the last backend that went down
};

// A rule that had none has a healthy backend again.
struct HealthyBackendAgain {
    std::size_t rule = 0;
    std::size_t backend = 0;
};

using MachineAction = std::variant<StartProbe, ProbeReport, NoHealthyBackend, HealthyBackendAgain>;

class LoadBalancerMachine {
  public:
    // Each of the first probes is due at `start`; the grids of the later ones are spread evenly over the
    // interval.
    LoadBalancerMachine(MachineSettings settings, Instant start);

    void handle(const MachineEvent& event, Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<MachineAction> take_actions();

    // The backend for a flow of this rule. `tried` are backends that have failed this flow already.
    std::optional<std::size_t> route(std::size_t rule, const FlowKey& flow,
                                     std::span<const std::size_t> tried) const;
    Health health(std::size_t backend, std::size_t probe) const { return pools_.at(probe).health(backend); }
    const BackendPool& pool_of_rule(std::size_t rule) const {
        return pools_.at(settings_.rules.at(rule).probe);
    }

  private:
    ProbeMachine& machine(std::size_t backend, std::size_t probe) {
        return machines_.at(probe * settings_.hosts.size() + backend);
    }
    void collect(std::size_t backend, std::size_t probe);
    void apply(std::size_t backend, std::size_t probe, const ProbeVerdict& verdict);

    MachineSettings settings_;
    std::vector<ProbeMachine> machines_;  // by probe, then backend
    std::vector<BackendPool> pools_;      // by probe
    std::vector<MachineAction> actions_;
};

}  // namespace understudy::lb
