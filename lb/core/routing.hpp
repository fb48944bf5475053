// SPDX-License-Identifier: Apache-2.0
// What the machine tells a data path, and all that a data path knows of health: for each rule, the backends
// that may take a new flow. Rules and backends are known by their places in the configuration that the data
// path was given last. Pure values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace understudy::lb {

struct RuleRouting {
    std::vector<std::size_t> eligible;  // backends, ascending; empty: a new flow is refused
    bool operator==(const RuleRouting&) const = default;
};

// Replaces the table before it, each rule as a whole: no flow is ever routed by half of one and half of
// another.
struct RoutingTable {
    std::vector<RuleRouting> rules;
    bool operator==(const RoutingTable&) const = default;
};

// The established flows of a rule on a backend are to end, with a reset where the protocol has one.
struct EndEstablished {
    std::size_t rule = 0;
    std::size_t backend = 0;
    std::string reason;  // in words, for the event
};

}  // namespace understudy::lb
