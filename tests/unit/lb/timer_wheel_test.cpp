// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

constexpr Instant start{Duration(1'234'567'890'123)};

struct Alarm : TimerWheel::Entry {
    std::optional<Instant> due;  // none: it must not ring
    int rung = 0;
};

// Wakes as a driver does, when next() says so, until `end`.
template <typename Ring>
void drive(TimerWheel& wheel, Instant now, Instant end, Ring ring) {
    for (auto next = wheel.next(); next && *next <= end; next = wheel.next()) {
        now = std::max(now, *next);
        wheel.advance(now, [&](TimerWheel::Entry& entry) { ring(static_cast<Alarm&>(entry), now); });
    }
}

TEST(TimerWheel, nothing_rings_early_or_later_than_two_ticks_whatever_was_drawn) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        TimerWheel wheel(start);
        std::vector<std::unique_ptr<Alarm>> alarms;
        for (int i = 0; i < 300; ++i) {
            auto alarm = std::make_unique<Alarm>();
            const Duration longest = random.chance(0.5) ? Duration(100ms) : Duration(60s);
            alarm->due = start + Duration(static_cast<std::int64_t>(
                                     random.below(static_cast<std::uint64_t>(longest.count()))));
            wheel.schedule(*alarm, *alarm->due);
            alarms.push_back(std::move(alarm));
        }
        int again = 300;
        drive(wheel, start, start + 300s, [&](Alarm& alarm, Instant now) {
            ASSERT_TRUE(alarm.due);
            EXPECT_GE(now, *alarm.due);
            EXPECT_LE(now - *alarm.due, 2 * TimerWheel::tick);
            ++alarm.rung;
            alarm.due.reset();
            // What is scheduled from within rings too, in the past as in the future; another is called off.
            if (again-- > 0) {
                const auto ahead = static_cast<std::int64_t>(random.below(8'000'000'000));
                alarm.due = random.chance(0.2) ? now : now + Duration(ahead);
                wheel.schedule(alarm, *alarm.due);
                Alarm& other = *alarms[random.below(alarms.size())];
                if (&other != &alarm && random.chance(0.3)) {
                    other.cancel();
                    other.due.reset();
                }
            }
        });
        for (const auto& alarm : alarms) {
            EXPECT_FALSE(alarm->due) << "never rang, seed " << seed;
            EXPECT_FALSE(alarm->waiting());
        }
        EXPECT_FALSE(wheel.next());
    }
}

TEST(TimerWheel, after_a_pause_longer_than_the_ring_everything_due_rings_at_once) {
    TimerWheel wheel(start);
    std::vector<Alarm> alarms(50);
    for (std::size_t i = 0; i < alarms.size(); ++i)
        wheel.schedule(alarms[i], start + 300ms * static_cast<int>(i));
    int rung = 0;
    wheel.advance(start + 1h, [&](TimerWheel::Entry&) { ++rung; });
    EXPECT_EQ(rung, 50);
    EXPECT_FALSE(wheel.next());
}

TEST(TimerWheel, what_is_scheduled_while_it_catches_up_is_not_lost_behind_it) {
    TimerWheel wheel(start);
    Alarm again;
    wheel.schedule(again, start);
    int rung = 0;
    wheel.advance(start + 1s, [&](TimerWheel::Entry& entry) {
        if (++rung == 1) wheel.schedule(entry, start);  // due already
    });
    wheel.advance(start + 1s + TimerWheel::tick, [&](TimerWheel::Entry&) { ++rung; });
    EXPECT_EQ(rung, 2);
}

TEST(TimerWheel, an_entry_that_is_destroyed_or_scheduled_anew_does_not_ring_by_its_old_deadline) {
    TimerWheel wheel(start);
    Alarm moved;
    wheel.schedule(moved, start + 20ms);
    wheel.schedule(moved, start + 200ms);
    {
        Alarm gone;
        wheel.schedule(gone, start + 20ms);
    }
    int rung = 0;
    wheel.advance(start + 100ms, [&](TimerWheel::Entry&) { ++rung; });
    EXPECT_EQ(rung, 0);
    wheel.advance(start + 300ms, [&](TimerWheel::Entry&) { ++rung; });
    EXPECT_EQ(rung, 1);
}

}  // namespace
}  // namespace understudy::lb
