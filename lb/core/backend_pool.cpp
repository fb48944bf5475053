// SPDX-License-Identifier: Apache-2.0
#include "lb/core/backend_pool.hpp"

#include <algorithm>

namespace understudy::lb {

BackendPool::BackendPool(const std::vector<std::string>& hosts) : health_(hosts.size(), Health::unknown) {
    for (const std::string& host : hosts) identities_.push_back(identity_of(host));
}

void BackendPool::set_health(std::size_t backend, Health health) {
    health_.at(backend) = health;
    healthy_.clear();
    for (std::size_t i = 0; i < health_.size(); ++i)
        if (health_[i] == Health::up) healthy_.push_back({i, identities_[i]});
}

PoolState BackendPool::state() const {
    if (!healthy_.empty()) return PoolState::serving;
    return std::find(health_.begin(), health_.end(), Health::unknown) != health_.end()
               ? PoolState::undetermined
               : PoolState::empty;
}

}  // namespace understudy::lb
