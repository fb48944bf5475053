// SPDX-License-Identifier: Apache-2.0
// What a load balancer decides: when each probe is sent, who is healthy, which backends take the new flows of
// each rule, and when established flows are ended. Pure: it composes one probe machine for each probe and
// backend, one admin machine for each backend and one pool for each probe; `now` is handed in. Events in,
// actions out, in the order they are to be carried out. Backends, probes and rules are known by their places
// in the settings.
//
// Established flows, by the cloud's documentation of health probes: those of UDP leave a backend that goes
// down; those of TCP stay, unless end_on_backend_down. When the last backend of a rule goes down those of TCP
// stay too, unless end_when_all_down (sku basic) and unless new flows go on to the backends that are down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "lb/core/backend_admin.hpp"
#include "lb/core/backend_pool.hpp"
#include "lb/core/machine_settings.hpp"
#include "lb/core/probe_machine.hpp"
#include "lb/core/routing.hpp"

namespace understudy::lb {

// The result of the probe that StartProbe gave this number. Of no effect when its backend or probe has gone
// with a reload, or was stopped since.
struct ProbeFinished {
    std::uint64_t run = 0;
    ProbeResult result;
};
// The backend's machine has been stopped or started; not a matter of probes.
struct BackendStopped {
    std::size_t backend = 0;
    std::string reason;
};
struct BackendStarted {
    std::size_t backend = 0;
    std::string reason;
};
// The administrator's will.
struct BackendEnable {
    std::size_t backend = 0;
};
struct BackendDisable {
    std::size_t backend = 0;
};
struct BackendDrain {
    std::size_t backend = 0;
};
// The answer to CountFlows.
struct FlowsLeft {
    std::size_t backend = 0;
    std::uint64_t count = 0;
};
using MachineEvent = std::variant<ProbeFinished, BackendStopped, BackendStarted, BackendEnable,
                                  BackendDisable, BackendDrain, FlowsLeft>;

// Send this probe now; its result is expected as ProbeFinished within the time limit.
struct StartProbe {
    std::size_t backend = 0;
    std::size_t probe = 0;
    std::uint64_t run = 0;
    Duration time_limit{0};
};

// What a probe result meant. When change is `changed` the backend has just gone up or down, as health says.
struct ProbeReport {
    std::size_t backend = 0;
    std::size_t probe = 0;
    ProbeVerdict verdict;
};

// A rule has lost its last healthy backend, or never had one: once for each time that this comes true.
struct NoHealthyBackend {
    std::size_t rule = 0;
    bool falls_back = false;  // new flows go to the backends that are down, by no_healthy_backends all_up
    std::string reason;       // of the last change
};

// A rule that had none has a healthy backend again.
struct HealthyBackendAgain {
    std::size_t rule = 0;
    std::size_t backend = 0;
};

struct BackendChanged {
    std::size_t backend = 0;
    AdminChange change = AdminChange::enabled;
    std::string reason;
};

// How many flows are established on this backend, over all rules?
struct CountFlows {
    std::size_t backend = 0;
};

using MachineAction = std::variant<RoutingTable, StartProbe, ProbeReport, NoHealthyBackend,
                                   HealthyBackendAgain, BackendChanged, CountFlows, EndEstablished>;

class LoadBalancerMachine {
  public:
    // Each of the first probes is due at `start`; the grids of the later ones are spread evenly over the
    // interval. All of the table is empty at first.
    LoadBalancerMachine(MachineSettings settings, Instant start);

    void handle(const MachineEvent& event, Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    // At most one RoutingTable, the first; then what is to be told; what is to be ended comes last.
    std::vector<MachineAction> take_actions();

    // The machine for new settings. What is known of a backend by a probe stays when the backend has the same
    // host and address, and the probe the same name and target; what is wanted of a backend stays by its
    // host, unless the settings say otherwise than they did. Its actions say what follows; its table() is the
    // one for the new settings. Call after take_actions().
    LoadBalancerMachine reloaded(MachineSettings settings, Instant now) const;

    const RoutingTable& table() const { return table_; }
    // The backend for a flow of this rule, by the table. `tried` are backends that have failed this flow.
    std::optional<std::size_t> route(std::size_t rule, const FlowKey& flow,
                                     std::span<const std::size_t> tried) const;
    const ProbeMachine& probe(std::size_t backend, std::size_t probe) const {
        return machines_.at(probe * settings_.backends.size() + backend);
    }
    const BackendAdmin& admin(std::size_t backend) const { return admins_.at(backend); }
    const BackendPool& pool(std::size_t probe) const { return pools_.at(probe); }
    const MachineSettings& settings() const { return settings_; }

  private:
    struct Run {
        std::size_t backend = 0;
        std::size_t probe = 0;
    };
    ProbeMachine& machine(std::size_t backend, std::size_t probe) {
        return machines_.at(probe * settings_.backends.size() + backend);
    }
    void apply(const ProbeFinished& event, Instant now);
    void apply(const BackendStopped& event, Instant now);
    void apply(const BackendStarted& event, Instant now);
    void apply(const BackendEnable& event, Instant now);
    void apply(const BackendDisable& event, Instant now);
    void apply(const BackendDrain& event, Instant now);
    void apply(const FlowsLeft& event, Instant now);
    void collect(std::size_t backend, std::size_t probe);
    void collect(std::size_t backend);
    void report(std::size_t backend, std::size_t probe, ProbeVerdict verdict);
    void update(std::size_t backend, std::size_t probe, const std::string& reason);
    void tell(std::size_t probe, std::size_t backend, const std::string& reason);
    void settle_after_reload(const std::vector<std::size_t>& falling_back);
    void end(std::size_t rule, std::size_t backend, const std::string& reason);

    MachineSettings settings_;
    std::vector<ProbeMachine> machines_;  // by probe, then backend
    std::vector<BackendAdmin> admins_;    // by backend
    std::vector<BackendPool> pools_;      // by probe
    std::map<std::uint64_t, Run> runs_;   // the probes that run
    std::uint64_t next_run_ = 1;
    RoutingTable table_;
    RoutingTable told_table_;
    std::vector<bool> told_empty_;  // by rule
    std::vector<MachineAction> actions_;
    std::vector<EndEstablished> ends_;
};

}  // namespace understudy::lb
