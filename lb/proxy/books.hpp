// SPDX-License-Identifier: Apache-2.0
// What one thread of the proxy knows of its rules and their backends: what was planned, and what went
// through. A flow holds the books it is written in, so they outlive a configuration that no longer has them.
// Kept over a change of configuration when rule and backend are in both. Threads: that of the worker, each
// its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lb/data_path.hpp"
#include "lb/proxy/plan.hpp"

namespace understudy::lb {

struct BackendBook {
    std::string host;
    Ipv4Address address;
    FlowCounters counters;
};

struct RuleBook {
    PlannedRule plan;
    std::vector<std::shared_ptr<BackendBook>> backends;  // by their places in the configuration
    std::uint64_t refused_no_backend = 0;
    std::uint64_t refused_over_limit = 0;
    std::uint64_t idle_timeouts = 0;
};

// The books for a new plan, in its order; those of before go on where rule and backend are the same.
std::vector<std::shared_ptr<RuleBook>> open_books(const std::vector<std::shared_ptr<RuleBook>>& before,
                                                  const Plan& plan);

// Adds what these books hold: the plan's first `balanced` rules, then the inbound NAT rules.
void add_to(Traffic& sum, const std::vector<std::shared_ptr<RuleBook>>& books, std::size_t balanced);

}  // namespace understudy::lb
