// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/payment_schedule.hpp"

#include <utility>

#include "base/assert.hpp"

namespace understudy::node {

PaymentSchedule::PaymentSchedule(ScheduleLimits limits, Instant start)
    : limits_(limits),
      slot_(
          std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / limits.rate_per_second))),
      next_slot_(start) {
    UNDERSTUDY_ASSERT(limits.rate_per_second > 0 && limits.max_outstanding > 0,
                      "a rate and a bound above zero");
}

void PaymentSchedule::attempt_ended(std::int64_t payment, bool acknowledged, Instant now) {
    const auto found = outstanding_.find(payment);
    UNDERSTUDY_ASSERT(found != outstanding_.end() && !found->second.retry_at, "an attempt ends once");
    if (acknowledged) {
        outstanding_.erase(found);
        ++acknowledged_;
    } else {
        found->second.retry_at = now + limits_.retry_interval;
    }
    finish_if_done(now);
}

void PaymentSchedule::stop(Instant now) {
    if (drain_until_) return;
    drain_until_ = now + limits_.drain_timeout;
    finish_if_done(now);
}

void PaymentSchedule::on_timeout(Instant now) {
    finish_if_done(now);
    if (finished_) return;
    // A driver that comes late catches up on at most one slot: a burst is not what a rate means.
    if (next_slot_ + slot_ < now) next_slot_ = now;
    const bool slot_due = next_slot_ <= now;
    if (slot_due) next_slot_ += slot_;
    if (!drain_until_ && !full()) {
        while (const auto due = longest_due(now)) begin_attempt(*due);
        if (slot_due) begin_attempt(outstanding_.emplace(++payments_, Outstanding{}).first);
    } else if (slot_due) {
        if (const auto due = longest_due(now)) begin_attempt(*due);
    }
}

void PaymentSchedule::begin_attempt(Entry entry) {
    entry->second.retry_at.reset();
    actions_.emplace_back(StartAttempt{entry->first, ++entry->second.attempts});
}

std::optional<PaymentSchedule::Entry> PaymentSchedule::longest_due(Instant now) {
    std::optional<Entry> best;
    for (Entry entry = outstanding_.begin(); entry != outstanding_.end(); ++entry) {
        const auto& at = entry->second.retry_at;
        if (at && *at <= now && (!best || *at < *(*best)->second.retry_at)) best = entry;
    }
    return best;
}

void PaymentSchedule::finish_if_done(Instant now) {
    if (finished_ || !drain_until_ || (!outstanding_.empty() && now < *drain_until_)) return;
    finished_ = true;
    actions_.emplace_back(Finished{acknowledged_, static_cast<std::int64_t>(outstanding_.size())});
}

std::optional<Deadline> PaymentSchedule::next_deadline() const {
    if (finished_) return std::nullopt;
    std::optional<Deadline> next = Deadline{next_slot_, "slot", 0};
    if (drain_until_) return earlier(next, Deadline{*drain_until_, "drain timeout", 1});
    if (full()) return next;
    for (const auto& [payment, state] : outstanding_)
        if (state.retry_at) next = earlier(next, Deadline{*state.retry_at, "retry", 2});
    return next;
}

std::vector<ScheduleAction> PaymentSchedule::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::node
