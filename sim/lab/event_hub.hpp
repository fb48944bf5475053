// SPDX-License-Identifier: Apache-2.0
// Where every event of the region arrives: it is stamped with region time, stored in the run database, folded
// into the view, and handed to whoever follows. Region time is the time since the user asked for the region,
// by the monotonic clock of the machine, taken on arrival: one clock for all, whatever a guest's clock does.
// One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/lab/core/region_status.hpp"
#include "sim/lab/event_store.hpp"

namespace understudy::lab {

// Events in order for one follower. A follower that falls more than `capacity` behind is ended rather than
// fed gaps.
class EventSubscription {
  public:
    explicit EventSubscription(boost::asio::any_io_executor executor);

    // The next event; nothing when the subscription has ended.
    boost::asio::awaitable<std::optional<scenario::RegionEvent>> next();
    void end();

  private:
    friend class EventHub;
    void push(const scenario::RegionEvent& event);
    std::deque<scenario::RegionEvent> waiting_;
    boost::asio::steady_timer signal_;
    bool ended_ = false;
};

class EventHub {
  public:
    EventHub(boost::asio::any_io_executor executor, EventStore store, Instant region_start);

    void record(const std::string& host, Event event);
    void flush() { store_.flush(); }

    const RegionStatus& view() const { return view_; }
    Duration region_time() const;
    Result<std::vector<scenario::RegionEvent>> all() { return store_.all(); }

    std::shared_ptr<EventSubscription> subscribe();
    void end_subscriptions();
    // Called for each event after it was folded in.
    void on_event(std::function<void(const scenario::RegionEvent&)> listener) {
        listener_ = std::move(listener);
    }

  private:
    boost::asio::any_io_executor executor_;
    EventStore store_;
    Instant region_start_;
    RegionStatus view_;
    std::vector<std::weak_ptr<EventSubscription>> subscriptions_;
    std::function<void(const scenario::RegionEvent&)> listener_;
};

}  // namespace understudy::lab
