// SPDX-License-Identifier: Apache-2.0
// The backends as one probe sees them: who is healthy, and who of the healthy takes a flow. Backends are
// known by their place in the list handed in. Only `up` is routed to: neither unknown nor down.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lb/core/distribution.hpp"
#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

// What a rule does once every backend is down by its probe.
enum class NoHealthyBackends { all_down, all_up };

// undetermined: nobody is up, but some haven't been judged yet. empty: nobody is up and all have been.
enum class PoolState { undetermined, serving, empty };

class BackendPool {
  public:
    explicit BackendPool(const std::vector<std::string>& hosts);

    void set_health(std::size_t backend, Health health);
    Health health(std::size_t backend) const { return health_.at(backend); }
    PoolState state() const;
    std::size_t healthy_count() const { return healthy_.size(); }

    // The backend for this flow among the healthy ones that aren't excluded.
    std::optional<std::size_t> choose(const FlowKey& flow, std::span<const std::size_t> excluded) const {
        return lb::choose(flow, healthy_, excluded);
    }

  private:
    std::vector<std::uint64_t> identities_;
    std::vector<Health> health_;
    std::vector<Candidate> healthy_;
};

}  // namespace understudy::lb
