// SPDX-License-Identifier: Apache-2.0
// Why a backend of a load balancer is up or down, and the one thing to fix, from what is known of it. The
// order in which causes are looked for is that of their reach: a backend that is powered off needs no look at
// its security group. Pure.
#pragma once

#include <string>
#include <vector>

namespace understudy::lab {

struct ProbeFacts {
    std::string name;
    std::string target;              // "tcp 192.0.2.11:10010"
    std::string health = "unknown";  // "up", "down"; "unknown": not judged yet
    std::string reason;              // of the last result, in words
    std::vector<std::string> past;   // the last results, oldest first
    // The rule that decides on the probe's packets at the backend; a host without a group has an open one.
    bool allowed = true;
    std::string group;
    std::string rule;
    int priority = 0;
};

struct FaultFacts {
    std::string id;
    std::string detail;  // "f1: power-off corda-primary, for 3s"
};

struct BackendFacts {
    std::string balancer;
    std::string backend;
    std::string balancer_host_state;  // "running" or what it is instead
    std::string backend_host_state;
    std::string role;    // "active", "standby" or what the host is for
    std::string state;   // by the balancer: up, down, unknown, draining, disabled, stopped; empty: not heard
    std::string reason;  // of that state
    std::string probe_source;
    std::vector<ProbeFacts> probes;
    std::vector<FaultFacts> faults;  // in force and naming one of the two hosts
};

struct Explanation {
    std::string verdict;  // "corda-primary takes no new flows: …"
    std::string fix;      // one thing to do; empty: nothing is wrong
};

Explanation explain(const BackendFacts& facts);

// The explanation with its evidence, for people.
std::string explanation_text(const BackendFacts& facts, const Explanation& explanation);

}  // namespace understudy::lab
