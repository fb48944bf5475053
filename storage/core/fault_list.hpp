// SPDX-License-Identifier: Apache-2.0
// The faults in force on one service, in the order they were applied: each by its id, and with an end where
// it has a time. What a fault does is its service's business; `Extra` is what that keeps for each. Limits: 64
// faults, ids of 1 to 128 bytes. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::storage {

constexpr std::size_t max_faults = 64;
constexpr std::size_t max_fault_id_bytes = 128;

// `Fault` has a member `lasts`, an optional Duration.
template <typename Fault, typename Extra = std::monostate>
class FaultList {
  public:
    struct InForce {
        std::string id;
        Fault fault;
        Instant since;
        std::uint64_t befell = 0;  // what it stalled, refused or delayed
    };
    struct Entry {
        InForce shown;
        std::uint64_t sequence;  // of application, from 1
        std::optional<Instant> ends;
        Extra extra;
    };

    // Error kind bad_input: the id can't be a fault's, or is in force.
    Result<void> check_id(const std::string& id) const {
        if (id.empty() || id.size() > max_fault_id_bytes)
            return Error(ErrorKind::bad_input, "id", "is empty or above 128 bytes")
                .with_remedy("give another");
        if (std::any_of(entries_.begin(), entries_.end(), [&](const Entry& it) { return it.shown.id == id; }))
            return Error(ErrorKind::bad_input, id, "a fault of that id is in force")
                .with_remedy("heal it first");
        return {};
    }
    // Error kind bad_input: as check_id(), or there are too many.
    Result<void> add(const std::string& id, const Fault& fault, Instant now, Extra extra = {}) {
        UNDERSTUDY_CHECK(check_id(id));
        if (entries_.size() >= max_faults)
            return Error(ErrorKind::bad_input, id, "too many faults are in force")
                .with_number(max_faults)
                .with_remedy("heal some");
        const auto ends = fault.lasts ? std::optional<Instant>(now + *fault.lasts) : std::nullopt;
        entries_.push_back({{id, fault, now, 0}, next_sequence_++, ends, std::move(extra)});
        return {};
    }
    std::optional<Entry> take(const std::string& id) {
        return taken([&](const Entry& it) { return it.shown.id == id; });
    }
    // One whose time is over, if there is any.
    std::optional<Entry> take_ended(Instant now) {
        return taken([&](const Entry& it) { return it.ends && *it.ends <= now; });
    }
    std::optional<Deadline> next_deadline() const {
        std::optional<Deadline> next;
        for (const Entry& it : entries_)
            if (it.ends) next = earlier(next, Deadline{*it.ends, "fault ends", it.sequence});
        return next;
    }

    bool empty() const { return entries_.empty(); }
    std::list<Entry>& entries() { return entries_; }
    const std::list<Entry>& entries() const { return entries_; }
    std::vector<InForce> in_force() const {
        std::vector<InForce> all;
        for (const Entry& it : entries_) all.push_back(it.shown);
        return all;
    }

  private:
    template <typename Condition>
    std::optional<Entry> taken(Condition condition) {
        const auto found = std::find_if(entries_.begin(), entries_.end(), condition);
        if (found == entries_.end()) return std::nullopt;
        Entry entry = std::move(*found);
        entries_.erase(found);
        return entry;
    }

    std::list<Entry> entries_;
    std::uint64_t next_sequence_ = 1;
};

}  // namespace understudy::storage
