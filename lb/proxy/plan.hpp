// SPDX-License-Identifier: Apache-2.0
// What the proxy's threads follow, worked out once from configuration and routing table: for each port that
// is listened on, where its flows go and by which rules. Never changed once made, so all threads read one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lb/config.hpp"
#include "lb/core/distribution.hpp"
#include "lb/core/routing.hpp"

namespace understudy::lb {

struct PlannedRule {
    std::string name;
    bool inbound_nat = false;  // names of the two kinds of rules are kept apart
    Endpoint frontend;
    std::uint16_t backend_port = 0;
    Distribution distribution = Distribution::five_tuple;
    Duration idle_timeout{0};
    bool proxy_protocol = false;
    std::vector<Candidate> eligible;  // by the backends' places
};

struct PlannedBackend {
    std::string host;
    Ipv4Address address;
};

struct Plan {
    std::vector<PlannedRule> rules;  // those of the configuration by their places, then the inbound NAT rules
    std::size_t balanced = 0;        // how many of them are the configuration's
    std::vector<PlannedBackend> backends;  // by their places in the configuration
    Duration connect_timeout{0};
    Duration dead_peer_timeout{0};
    std::size_t max_connections = 0;
};

// Error bad_input: the configuration asks for what a proxy can't do, or the table is of another
// configuration.
Result<std::shared_ptr<const Plan>> make_plan(const Config& config, const RoutingTable& table);

// The backend's place for a flow of this rule; none when every eligible one is among `tried`.
std::optional<std::size_t> route(const PlannedRule& rule, Endpoint client,
                                 std::span<const std::size_t> tried);

}  // namespace understudy::lb
