// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/message_book.hpp"

#include <algorithm>

namespace understudy::scenario {

void MessageBook::handle(const RegionEvent& event) {
    if (is(event.event, "node", "active")) active_since_[event.host] = event.at;
    if (event.event.source != "client") return;
    if (event.event.name == "attempt" && string_attribute(event.event, "outcome") == "acknowledged")
        acknowledged(event);
    if (event.event.name == "message_received")
        if (const auto id = string_attribute(event.event, "id")) ++arrivals_[*id];
}

void MessageBook::acknowledged(const RegionEvent& event) {
    const auto id = string_attribute(event.event, "id");
    if (!id) return;
    acknowledged_.insert(*id);
    const auto broker = string_attribute(event.event, "broker");
    if (!broker) return;
    const auto own = active_since_.find(*broker);
    const bool superseded = std::any_of(active_since_.begin(), active_since_.end(), [&](const auto& other) {
        return other.first != *broker && (own == active_since_.end() || other.second > own->second);
    });
    if (superseded) ++out_of_turn_;
}

MessageCounts MessageBook::counts() const {
    MessageCounts counts;
    counts.acknowledged = static_cast<std::int64_t>(acknowledged_.size());
    counts.received = static_cast<std::int64_t>(arrivals_.size());
    for (const std::string& id : acknowledged_)
        if (!arrivals_.contains(id)) ++counts.lost;
    for (const auto& [id, count] : arrivals_) counts.duplicated += count - 1;
    counts.out_of_turn = out_of_turn_;
    return counts;
}

}  // namespace understudy::scenario
