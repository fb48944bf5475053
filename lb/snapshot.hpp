// SPDX-License-Identifier: Apache-2.0
// A load balancer's state at one moment, as an administrator asks for it: names instead of places, words
// instead of enumerations' numbers. Plain values, made by snapshot_of() from the machine; copied, so that it
// outlives a reload.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "lb/config.hpp"
#include "lb/core/load_balancer_machine.hpp"
#include "lb/data_path.hpp"

namespace understudy::lb {

// Of a backend over all its probes: what is wanted of it comes before what its probes say; then one probe
// that is down makes it down, and one that is unknown makes it unknown.
enum class BackendState { unknown, up, down, draining, disabled, stopped };

struct ProbeSnapshot {
    std::string probe;
    Health health = Health::unknown;
    std::string reason;           // of the last change of health; empty while there was none
    Instant since;                // of that change
    std::deque<PastResult> past;  // the last 10, oldest first
};

struct BackendSnapshot {
    std::string host;
    Ipv4Address address;
    BackendState state = BackendState::unknown;
    std::string reason;                 // why it is so; never empty
    std::vector<ProbeSnapshot> probes;  // in the order of the configuration
};

struct RuleSnapshot {
    std::string name;
    std::vector<std::string> eligible;  // hosts that may take a new flow
    bool falls_back = false;            // those are down, and take flows for want of better
};

struct InboundNatSnapshot {
    std::string name;
    std::string host;
};

struct Snapshot {
    std::string name;
    Instant at;
    std::vector<BackendSnapshot> backends;
    std::vector<RuleSnapshot> rules;
    std::vector<InboundNatSnapshot> inbound_nat_rules;
    Traffic traffic;  // rules and backends by their places here
};

Snapshot snapshot_of(const Config& config, const LoadBalancerMachine& machine, Traffic traffic, Instant now);

const char* to_string(BackendState state);

}  // namespace understudy::lb
