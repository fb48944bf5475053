// SPDX-License-Identifier: Apache-2.0
// What is known of a region from its events so far: which hosts' nodes are active, and how the clients'
// latest attempts went. A node is active from its event `active` until its `stopped`, the exit of its unit
// ("node"), or its host losing power or being reset (fault_applied of the lab, or host_state "off"). While
// its host is paused it acts on nothing and doesn't count; resumed, it does again. Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/core/region_event.hpp"

namespace understudy::scenario {

struct Attempt {
    Duration began{};
    Duration ended{};
    bool acknowledged = false;
    std::string reason;
};

struct Overlap {
    std::string first_host;  // active since first_since
    std::string second_host;
    Duration first_since{};
    Duration second_since{};
};

class RegionView {
  public:
    // `hosts` carry the node whose exclusion is watched; other hosts' nodes are left out.
    explicit RegionView(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {}

    void handle(const RegionEvent& event);

    const std::map<std::string, Duration>& active() const { return active_; }  // host -> since when
    const std::vector<std::string>& hosts() const { return hosts_; }
    std::vector<Overlap> take_overlaps();

    // Whether the latest `count` attempts that ended all began at or after `since` and were (not)
    // acknowledged.
    bool latest_attempts(std::size_t count, Duration since, bool acknowledged) const;
    std::optional<Attempt> last_attempt() const;
    std::string last_probe() const { return last_probe_; }

  private:
    void activate(const std::string& host, Duration at);
    std::vector<std::string> hosts_;
    std::map<std::string, Duration> active_;
    std::map<std::string, Duration> paused_;  // active when they were paused; they go on when resumed
    std::vector<Overlap> overlaps_;
    std::deque<Attempt> attempts_;  // the latest few
    std::string last_probe_;
};

// The attempt an event tells of; nothing for other events.
std::optional<Attempt> attempt_of(const RegionEvent& event);

// "12.3 s", to a tenth of a second; "350 ms" below one second.
std::string in_words(Duration duration);

}  // namespace understudy::scenario
