// SPDX-License-Identifier: Apache-2.0
// When a client pays: an open-loop schedule. A slot comes every 1/rate, whatever became of the payments
// before; it makes a new payment while fewer than max_outstanding are unacknowledged, and else the retry that
// is due longest. A failed payment is retried with its own id retry_interval after the failure, until it is
// acknowledged. After stop() no new payment is made; outstanding ones are retried until acknowledged or
// drain_timeout is over. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::node {

struct ScheduleLimits {
    double rate_per_second = 10;
    Duration retry_interval = 500ms;
    std::size_t max_outstanding = 50;
    Duration drain_timeout = 5s;
};

struct StartAttempt {
    std::int64_t payment;  // numbered from 1
    int attempt;           // of this payment, from 1
};
struct Finished {
    std::int64_t acknowledged;
    std::int64_t outstanding;
};
using ScheduleAction = std::variant<StartAttempt, Finished>;

class PaymentSchedule {
  public:
    PaymentSchedule(ScheduleLimits limits, Instant start);

    void attempt_ended(std::int64_t payment, bool acknowledged, Instant now);
    void stop(Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<ScheduleAction> take_actions();

  private:
    struct Outstanding {
        int attempts = 0;
        std::optional<Instant> retry_at;  // none while an attempt is under way
    };
    using Entry = std::map<std::int64_t, Outstanding>::iterator;

    void begin_attempt(Entry entry);
    std::optional<Entry> longest_due(Instant now);
    bool full() const { return outstanding_.size() >= limits_.max_outstanding; }
    void finish_if_done(Instant now);

    ScheduleLimits limits_;
    Duration slot_;
    Instant next_slot_;
    std::optional<Instant> drain_until_;
    bool finished_ = false;
    std::int64_t payments_ = 0;
    std::int64_t acknowledged_ = 0;
    std::map<std::int64_t, Outstanding> outstanding_;
    std::vector<ScheduleAction> actions_;
};

}  // namespace understudy::node
