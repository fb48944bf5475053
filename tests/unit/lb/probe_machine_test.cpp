// SPDX-License-Identifier: Apache-2.0
// What must hold of every run, checked on drawn ones. The seed is in the failure's text.
#include "lb/core/probe_machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

Duration drawn(Random& random, Duration below) {
    return Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(below.count()))));
}

// The written rule once more, as plainly as it can be said.
struct Model {
    ProbeTiming timing;
    Health health = Health::unknown;
    int failures = 0;
    int successes = 0;
    std::vector<Instant> downs;

    int needed(Instant now) const {
        int downs_before = 0;
        for (const Instant down : downs)
            if (now - down <= 10 * timing.interval) ++downs_before;
        if (health == Health::down && downs_before > 0) --downs_before;
        return (timing.mode == ThresholdMode::probe_threshold ? timing.threshold : 1) +
               std::min(downs_before, 3);
    }
    void result(bool healthy, bool hard, Instant now) {
        failures = healthy ? 0 : failures + 1;
        successes = healthy ? successes + 1 : 0;
        if (healthy && health != Health::up && successes >= needed(now)) health = Health::up;
        const bool at_once = hard && timing.mode == ThresholdMode::probe_threshold;
        if (!healthy && health != Health::down && (failures >= timing.threshold || at_once)) {
            health = Health::down;
            downs.push_back(now);
        }
    }
};

TEST(ProbeMachine, health_follows_the_written_rule_in_drawn_runs) {
    int flapping = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const ProbeTiming timing{
            5s, 5s, 1 + static_cast<int>(random.below(4)),
            random.chance(0.5) ? ThresholdMode::probe_threshold : ThresholdMode::unhealthy_threshold};
        ProbeMachine machine(timing, Instant{}, drawn(random, 5s));
        Model model{timing, Health::unknown, 0, 0, {}};
        const double failing = random.unit();
        const double changing = random.unit();
        bool healthy = true;
        for (int step = 0; step < 200; ++step) {
            const auto deadline = machine.next_deadline();
            ASSERT_TRUE(deadline);
            machine.on_timeout(deadline->when);
            auto actions = machine.take_actions();
            ASSERT_EQ(actions.size(), 1U);
            ASSERT_TRUE(std::holds_alternative<ProbeStart>(actions[0]));
            ASSERT_FALSE(machine.next_deadline())
                << "a probe never starts before the last one has its result";
            if (random.chance(changing)) healthy = !random.chance(failing);
            const bool hard = !healthy && random.chance(0.2);
            const Health before = model.health;
            const Duration took = drawn(random, 5s);
            model.result(healthy, hard, deadline->when + took);
            machine.handle({healthy, took, "drawn", hard}, deadline->when + took);
            actions = machine.take_actions();
            ASSERT_EQ(actions.size(), 1U);
            const auto& verdict = std::get<ProbeVerdict>(actions[0]);
            ASSERT_EQ(verdict.health, model.health);
            ASSERT_EQ(machine.health(), model.health);
            ASSERT_EQ(verdict.change == ProbeChange::changed, before != model.health);
            ASSERT_EQ(verdict.change == ProbeChange::pending,
                      before == model.health && (healthy ? before != Health::up : before != Health::down));
            ASSERT_TRUE(verdict.reason.starts_with("drawn")) << "a verdict always has its reason";
            if (before != model.health) {
                ASSERT_GT(verdict.reason.size(), std::string("drawn").size());
                ASSERT_EQ(machine.last_change()->verdict.reason, verdict.reason);
                if (healthy && machine.past().size() > 1 && verdict.reason.ends_with("within 50s"))
                    ++flapping;
            }
            ASSERT_LE(machine.past().size(), 10U);
            ASSERT_EQ(machine.past().back().at, deadline->when + took);
        }
    }
    EXPECT_GT(flapping, 100) << "the draws must reach what flapping changes";
}

TEST(ProbeMachine, a_flapping_backend_has_to_be_healthy_for_longer_within_a_bound) {
    ProbeMachine machine({5s, 5s, 1}, Instant{}, 0s);
    int most = 0;
    for (int flap = 0; flap < 20; ++flap) {
        for (int successes = 1;; ++successes) {
            const Instant now = machine.next_deadline()->when;
            machine.on_timeout(now);
            machine.handle({true, 1ms, "ok"}, now);
            if (machine.health() != Health::up) continue;
            most = std::max(most, successes);
            break;
        }
        const Instant now = machine.next_deadline()->when;
        machine.on_timeout(now);
        machine.handle({false, 1ms, "refused"}, now);
        ASSERT_EQ(machine.health(), Health::down);
    }
    EXPECT_GE(most, 3);
    EXPECT_LE(most, 4);
    const Instant later = machine.next_deadline()->when + 51s;
    machine.on_timeout(later);
    machine.handle({true, 1ms, "ok"}, later);
    EXPECT_EQ(machine.health(), Health::up) << "what was long ago is forgotten";
}

TEST(ProbeMachine, the_result_of_before_a_suspension_says_nothing_after_it) {
    ProbeMachine machine({5s, 5s, 1}, Instant{}, 0s);
    machine.on_timeout(Instant{});
    machine.suspend();
    machine.resume(Instant(1s));
    EXPECT_FALSE(machine.next_deadline()) << "the old probe still runs";
    machine.take_actions();
    machine.handle({true, 2s, "ok"}, Instant(2s));
    EXPECT_TRUE(machine.take_actions().empty());
    EXPECT_EQ(machine.health(), Health::unknown);
    EXPECT_EQ(machine.next_deadline()->when, Instant(2s));
}

TEST(ProbeMachine, probes_start_at_most_an_interval_apart_when_results_come_in_time) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        ProbeMachine machine({5s, 5s, 2}, Instant{}, drawn(random, 5s));
        std::optional<Instant> last;
        for (int step = 0; step < 100; ++step) {
            const Instant start = machine.next_deadline()->when;
            if (last) {
                ASSERT_LE(start - *last, 5s);
            }
            last = start;
            machine.on_timeout(start);
            machine.take_actions();
            machine.handle({true, 0s, "ok"}, start + drawn(random, 4999ms));
            machine.take_actions();
        }
    }
}

TEST(ProbeMachine, missed_probes_are_left_out_rather_than_made_up_for) {
    ProbeMachine machine({5s, 5s, 2}, Instant{}, 0s);
    machine.on_timeout(Instant(1h + 1s));
    EXPECT_EQ(machine.take_actions().size(), 1U);
    machine.handle({true, 1ms, "ok"}, Instant(1h + 1s + 1ms));
    EXPECT_EQ(machine.next_deadline()->when, Instant(1h + 5s));
}

TEST(ProbeMachine, reasons_count_in_ordinals) {
    ProbeMachine machine({1s, 1s, 1000}, Instant{}, 0s);
    const std::map<int, std::string> expected{{1, "1st"},   {2, "2nd"},    {3, "3rd"},   {4, "4th"},
                                              {11, "11th"}, {12, "12th"},  {13, "13th"}, {21, "21st"},
                                              {22, "22nd"}, {112, "112th"}};
    for (int failure = 1; failure <= 112; ++failure) {
        machine.on_timeout(machine.next_deadline()->when);
        machine.take_actions();
        machine.handle({false, 1ms, "refused"}, Instant{});
        const auto actions = machine.take_actions();
        if (!expected.contains(failure)) continue;
        EXPECT_EQ(std::get<ProbeVerdict>(actions[0]).reason,
                  "refused, " + expected.at(failure) + " failure in a row");
    }
}

// Down within threshold x interval + time limit of the last moment that the backend answered, whenever it
// dies.
TEST(ProbeMachine, a_death_is_noticed_within_the_bound) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const int threshold = 1 + static_cast<int>(random.below(3));
        ProbeMachine machine({5s, 5s, threshold}, Instant{}, drawn(random, 5s));
        const Instant death = Instant(20s + drawn(random, 5s));
        for (;;) {
            const Instant start = machine.next_deadline()->when;
            machine.on_timeout(start);
            const bool alive = start < death;
            const Instant end = start + (alive ? 1ms : Duration(5s));
            machine.handle({alive, end - start, "drawn"}, end);
            machine.take_actions();
            ASSERT_LE(end, death + threshold * 5s + 5s);
            if (machine.health() == Health::down) break;
        }
    }
}

}  // namespace
}  // namespace understudy::lb
