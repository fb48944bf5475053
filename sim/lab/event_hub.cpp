// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/event_hub.hpp"

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using io::as_result;
constexpr std::size_t capacity = 1 << 20;

}  // namespace

EventSubscription::EventSubscription(asio::any_io_executor executor)
    : signal_(std::move(executor), asio::steady_timer::time_point::max()) {}

asio::awaitable<std::optional<scenario::RegionEvent>> EventSubscription::next() {
    while (waiting_.empty() && !ended_) co_await signal_.async_wait(as_result);
    if (waiting_.empty()) co_return std::nullopt;
    auto event = std::move(waiting_.front());
    waiting_.pop_front();
    co_return event;
}

void EventSubscription::end() {
    ended_ = true;
    signal_.cancel();
}

void EventSubscription::push(const scenario::RegionEvent& event) {
    if (waiting_.size() >= capacity) return end();
    waiting_.push_back(event);
    signal_.cancel();
}

EventHub::EventHub(asio::any_io_executor executor, EventStore store, Instant region_start)
    : executor_(std::move(executor)), store_(std::move(store)), region_start_(region_start) {}

Duration EventHub::region_time() const {
    return io::monotonic_now() - region_start_;
}

void EventHub::record(const std::string& host, Event event) {
    const scenario::RegionEvent stamped{region_time(), host, std::move(event)};
    store_.append(stamped);
    view_.handle(stamped);
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
        if (const auto subscription = at->lock()) {
            subscription->push(stamped);
            ++at;
        } else {
            at = subscriptions_.erase(at);
        }
    }
    if (listener_) listener_(stamped);
}

std::shared_ptr<EventSubscription> EventHub::subscribe() {
    auto subscription = std::make_shared<EventSubscription>(executor_);
    subscriptions_.push_back(subscription);
    return subscription;
}

void EventHub::end_subscriptions() {
    for (const auto& held : subscriptions_)
        if (const auto subscription = held.lock()) subscription->end();
}

}  // namespace understudy::lab
