// SPDX-License-Identifier: Apache-2.0
// The backends as one probe sees them: who may take a new flow, and what there is to say when nobody can.
// Backends are known by their place in the list. A new flow goes to those that are up and wanted. With
// NoHealthyBackends::all_up, once everybody wanted is down, it goes to all of those that are down, until one
// is up again; one that is unknown is never among them.
#pragma once

#include <cstddef>
#include <vector>

#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

// What a rule does once every backend is down by its probe.
enum class NoHealthyBackends { all_down, all_up };

// serving: somebody wanted is up. undetermined: nobody is, but some haven't been judged yet. empty: nobody
// is, and all have been.
enum class PoolState { undetermined, serving, empty };

struct PoolMember {
    Health health = Health::unknown;
    bool wanted = true;  // neither disabled nor draining nor stopped
    bool stopped = false;
    bool operator==(const PoolMember&) const = default;
};

class BackendPool {
  public:
    BackendPool(std::size_t backends, NoHealthyBackends behaviour)
        : members_(backends), behaviour_(behaviour) {}

    void set(std::size_t backend, PoolMember member);
    // After a reload of a pool that fell back: it still does, unless somebody is up. One who is new doesn't
    // end it.
    void fall_back_again();
    const PoolMember& member(std::size_t backend) const { return members_.at(backend); }
    std::size_t size() const { return members_.size(); }

    std::vector<std::size_t> eligible() const;  // ascending
    PoolState state() const;
    // Everybody who could answer a probe is down, wanted or not: what the cloud calls all probes down.
    bool all_down() const;
    // New flows go to backends that are down, for want of better.
    bool falls_back() const { return falls_back_; }

  private:
    bool may_fall_back() const;

    std::vector<PoolMember> members_;
    NoHealthyBackends behaviour_;
    bool falls_back_ = false;
};

}  // namespace understudy::lb
