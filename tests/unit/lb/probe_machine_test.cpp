// SPDX-License-Identifier: Apache-2.0
// What must hold of every run, checked on drawn ones. The seed is in the failure's text.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.hpp"
#include "lb/core/load_balancer_machine.hpp"

namespace understudy::lb {
namespace {

TEST(ProbeMachine, health_follows_the_written_rule_in_drawn_runs) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const ProbeTiming timing{5s, 5s, 1 + static_cast<int>(random.below(4))};
        ProbeMachine machine(timing, Instant{},
                             Duration(static_cast<Duration::rep>(random.below(5'000'000'000))));
        const double failing = random.unit();
        Health expected = Health::unknown;
        int failures = 0;
        for (int step = 0; step < 200; ++step) {
            const auto deadline = machine.next_deadline();
            ASSERT_TRUE(deadline);
            machine.on_timeout(deadline->when);
            auto actions = machine.take_actions();
            ASSERT_EQ(actions.size(), 1U);
            ASSERT_TRUE(std::holds_alternative<ProbeStart>(actions[0]));
            ASSERT_FALSE(machine.next_deadline());
            const bool healthy = !random.chance(failing);
            failures = healthy ? 0 : failures + 1;
            const Health before = expected;
            if (healthy)
                expected = Health::up;
            else if (failures >= timing.unhealthy_threshold)
                expected = Health::down;
            const Duration took(static_cast<Duration::rep>(random.below(5'000'000'000)));
            machine.handle({healthy, took, "drawn"}, deadline->when + took);
            actions = machine.take_actions();
            ASSERT_EQ(actions.size(), 1U);
            const auto& verdict = std::get<ProbeVerdict>(actions[0]);
            ASSERT_EQ(verdict.health, expected);
            ASSERT_EQ(machine.health(), expected);
            ASSERT_EQ(verdict.change == ProbeChange::changed, before != expected);
            ASSERT_EQ(verdict.change == ProbeChange::pending,
                      !healthy && before == expected && expected != Health::down);
            ASSERT_TRUE(verdict.reason.starts_with("drawn")) << "a verdict always has its reason";
            if (!healthy) {
                ASSERT_TRUE(verdict.reason.ends_with("failure in a row"));
            }
        }
    }
}

TEST(ProbeMachine, probes_start_at_most_an_interval_apart_when_results_come_in_time) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        ProbeMachine machine({5s, 5s, 2}, Instant{},
                             Duration(static_cast<Duration::rep>(random.below(5'000'000'000))));
        std::optional<Instant> last;
        for (int step = 0; step < 100; ++step) {
            const Instant start = machine.next_deadline()->when;
            if (last) {
                ASSERT_LE(start - *last, 5s);
            }
            last = start;
            machine.on_timeout(start);
            machine.take_actions();
            machine.handle({true, 0s, "ok"},
                           start + Duration(static_cast<Duration::rep>(random.below(4'999'999'999))));
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
        ProbeMachine machine({5s, 5s, threshold}, Instant{},
                             Duration(static_cast<Duration::rep>(random.below(5'000'000'000))));
        const Instant death =
            Instant(20s + Duration(static_cast<Duration::rep>(random.below(5'000'000'000))));
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

TEST(LoadBalancerMachine, never_routes_to_a_backend_that_is_not_up) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        MachineSettings settings{{"a", "b", "c"}, {{5s, 5s, 2}, {3s, 2s, 1}}, {{"p2p", 0}, {"rpc", 1}}};
        LoadBalancerMachine machine(settings, Instant{});
        std::vector<StartProbe> running;
        Instant now{};
        for (int step = 0; step < 300; ++step) {
            if (!running.empty() && (random.chance(0.6) || !machine.next_deadline())) {
                const std::size_t chosen = random.below(running.size());
                const StartProbe probe = running[chosen];
                running.erase(running.begin() + static_cast<std::ptrdiff_t>(chosen));
                machine.handle(ProbeFinished{probe.backend, probe.probe, {random.chance(0.6), 1ms, "drawn"}},
                               now);
            } else {
                now = std::max(now, machine.next_deadline()->when);
                machine.on_timeout(now);
            }
            for (const auto& action : machine.take_actions())
                if (const auto* start = std::get_if<StartProbe>(&action)) running.push_back(*start);
            for (std::size_t rule = 0; rule < 2; ++rule) {
                const FlowKey flow{{{static_cast<std::uint32_t>(random.next())}, 1}, {{1}, 2}};
                const auto routed = machine.route(rule, flow, {});
                ASSERT_EQ(routed, machine.route(rule, flow, {})) << "one flow has one answer";
                ASSERT_EQ(routed.has_value(), machine.pool_of_rule(rule).healthy_count() > 0);
                if (routed) {
                    ASSERT_EQ(machine.health(*routed, settings.rules[rule].probe), Health::up);
                }
            }
        }
    }
}

}  // namespace
}  // namespace understudy::lb
