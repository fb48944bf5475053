// SPDX-License-Identifier: Apache-2.0
// The account of messages that clients running programs of their own send and receive, from their events:
// `attempt` {id, outcome: acknowledged|failed, broker} tells that a message was sent and what came of it, and
// by which host; `message_received` {id} that one arrived. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "sim/scenario/core/region_event.hpp"

namespace understudy::scenario {

struct MessageCounts {
    std::int64_t acknowledged = 0;
    std::int64_t received = 0;    // different ones
    std::int64_t lost = 0;        // acknowledged, never received
    std::int64_t duplicated = 0;  // further arrivals of one that had arrived
    // Acknowledged by a host although another had become active since that host did.
    std::int64_t out_of_turn = 0;
    bool operator==(const MessageCounts&) const = default;
};

class MessageBook {
  public:
    void handle(const RegionEvent& event);
    MessageCounts counts() const;

  private:
    void acknowledged(const RegionEvent& event);

    std::set<std::string> acknowledged_;
    std::map<std::string, std::int64_t> arrivals_;
    std::map<std::string, Duration> active_since_;  // by host: its latest activation
    std::int64_t out_of_turn_ = 0;
};

}  // namespace understudy::scenario
