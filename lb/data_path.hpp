// SPDX-License-Identifier: Apache-2.0
// A data path moves the bytes: `passthrough` in the kernel (lb/passthrough), `proxy` in user space
// (lb/proxy). It decides nothing about health: it follows the routing table it was given last, and picks
// among a rule's eligible backends by the rule's distribution. Established flows stay where they are,
// whatever the table says, until they end by themselves or end_established() names them.
//
// Use: open(), then any of the others, then close(). Each call is complete when it returns, or has had no
// effect and says why. Threads: one, that of the executor; a data path with threads of its own hides them,
// and calls its observer on that executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/core/routing.hpp"

namespace understudy::lb {

// What has gone through one backend by one rule. Counters only grow while the backend stays in the rule.
struct FlowCounters {
    std::uint64_t total = 0;        // flows given to this backend
    std::uint64_t established = 0;  // of them open now
    std::uint64_t failed = 0;       // attempts on this backend that failed (proxy)
    std::uint64_t bytes_to_backend = 0;
    std::uint64_t bytes_to_client = 0;
};

struct RuleCounters {
    std::uint64_t refused_no_backend = 0;  // no eligible backend, or every one of them failed
    std::uint64_t refused_over_limit = 0;
    std::uint64_t idle_timeouts = 0;
    std::vector<FlowCounters> backends;  // by their places in the configuration
};

struct Traffic {
    std::vector<RuleCounters> rules;        // by their places in the configuration
    std::vector<FlowCounters> inbound_nat;  // as well: each of these rules leads to one backend
};

// What a data path reports by itself. Names rather than places: a reload may have moved them.
class DataPathObserver {
  public:
    virtual ~DataPathObserver() = default;
    // An attempt on a backend failed before any byte was passed; another one is tried if there is one.
    virtual void attempt_failed(const std::string& rule, const std::string& host, Endpoint client,
                                const std::string& reason) = 0;
};

class DataPath {
  public:
    virtual ~DataPath() = default;

    // Takes the frontend. Error kind environment: a port that is taken, a missing permission; the subject
    // names it. bad_input: the configuration asks for what this data path can't do.
    virtual Result<void> open(std::shared_ptr<const Config> config, const RoutingTable& table) = 0;

    // New flows follow this table from now on. Atomic.
    virtual Result<void> route(const RoutingTable& table) = 0;

    // A new configuration with its table. Rules and backends that are in both by name (and, for backends,
    // address) keep their flows and counters; the flows of one that is gone go on until they end. On error
    // the old configuration stays in force.
    virtual Result<void> reconfigure(std::shared_ptr<const Config> config, const RoutingTable& table) = 0;

    virtual Result<void> end_established(const EndEstablished& what) = 0;

    virtual Result<Traffic> traffic() = 0;

    // Gives the frontend back. proxy: every connection is reset. passthrough: the rules are removed, and
    // what conntrack still holds of them ends.
    virtual void close() = 0;
};

}  // namespace understudy::lb
