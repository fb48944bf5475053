// SPDX-License-Identifier: Apache-2.0
#include "lb/core/backend_pool.hpp"

#include <algorithm>

namespace understudy::lb {

void BackendPool::set(std::size_t backend, PoolMember member) {
    members_.at(backend) = member;
    // A backend that is not judged yet doesn't begin the fallback, and doesn't end it either.
    if (!may_fall_back())
        falls_back_ = false;
    else if (state() == PoolState::empty)
        falls_back_ = true;
}

void BackendPool::fall_back_again() {
    falls_back_ = may_fall_back();
}

bool BackendPool::may_fall_back() const {
    const bool somebody_down = std::any_of(members_.begin(), members_.end(), [](const PoolMember& held) {
        return held.wanted && held.health == Health::down;
    });
    return behaviour_ == NoHealthyBackends::all_up && somebody_down && state() != PoolState::serving;
}

std::vector<std::size_t> BackendPool::eligible() const {
    const Health wanted = falls_back_ ? Health::down : Health::up;
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (members_[i].wanted && members_[i].health == wanted) found.push_back(i);
    return found;
}

PoolState BackendPool::state() const {
    PoolState state = PoolState::empty;
    for (const PoolMember& member : members_) {
        if (!member.wanted) continue;
        if (member.health == Health::up) return PoolState::serving;
        if (member.health == Health::unknown) state = PoolState::undetermined;
    }
    return state;
}

bool BackendPool::all_down() const {
    return std::all_of(members_.begin(), members_.end(), [](const PoolMember& member) {
        return member.stopped || member.health == Health::down;
    });
}

}  // namespace understudy::lb
