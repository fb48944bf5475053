// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/scenario_machine.hpp"

#include <gmock/gmock.h>

namespace understudy::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = ActiveExpectation::Kind;

RegionEvent node(Duration at, const std::string& host, const std::string& name) {
    return {at, host, {"node", name, "", {}}};
}

RegionEvent attempt(Duration at, bool acknowledged, std::int64_t started_ms_ago = 10) {
    return {at,
            "app",
            {"client",
             "attempt",
             "",
             {{"outcome", acknowledged ? std::string("acknowledged") : "failed"},
              {"reason", acknowledged ? std::string() : "refused"},
              {"started_ms_ago", started_ms_ago}}}};
}

RegionEvent fault_event(Duration at, const std::string& name, const std::string& kind,
                        const std::string& target) {
    return {at, "", {"lab", name, "", {{"kind", kind}, {"target", target}}}};
}

Step active_within(ActiveExpectation expected, std::optional<Duration> within, Duration hold = {}) {
    return {Expect{expected, std::nullopt, within, hold}, "s.yaml:3:5"};
}

Step clients_within(ClientsExpectation expected, Duration within) {
    return {Expect{std::nullopt, expected, within, {}}, "s.yaml:4:5"};
}

Step fault(FaultKind kind, std::vector<std::string> targets) {
    return {Fault{kind, std::move(targets), {}, "loss", {}}, "s.yaml:5:5"};
}

ScenarioMachine machine(std::vector<Step> steps, RegionView view = RegionView({"a", "b"}),
                        Duration now = 0s) {
    Scenario scenario;
    scenario.steps = std::move(steps);
    scenario.always.at_most_one_active = true;
    return ScenarioMachine(
        std::move(scenario), std::move(view),
        [](const std::optional<Fault>& last) { return last ? Duration(10s) : Duration(20s); }, now);
}

template <typename T>
std::vector<T> only(const std::vector<ScenarioAction>& actions) {
    std::vector<T> all;
    for (const auto& action : actions)
        if (const auto* held = std::get_if<T>(&action)) all.push_back(*held);
    return all;
}

TEST(ScenarioMachine, a_power_loss_is_walked_through_to_a_pass) {
    auto run = machine({active_within({Kind::any, {}}, 60s),
                        fault(FaultKind::power_off, {"active"}),
                        active_within({Kind::other, {}}, std::nullopt),
                        {Heal{"loss"}, ""}});
    EXPECT_EQ(run.next_deadline(), 60s);
    run.handle(node(1s, "a", "active"));
    const auto applied = only<ApplyFault>(run.take_actions());
    ASSERT_EQ(applied.size(), 1u);
    EXPECT_THAT(applied[0].fault.targets, ElementsAre("a"));
    run.handle(fault_event(2s, "fault_applied", "power-off", "a"));
    run.fault_applied("loss", 2s);
    EXPECT_EQ(run.next_deadline(), 12s) << "the bound counts from the fault";
    run.handle(node(9s, "b", "active"));
    EXPECT_EQ(only<HealFault>(run.take_actions()).size(), 1u);
    run.fault_healed("loss", 9s);
    EXPECT_TRUE(run.finished());
    EXPECT_TRUE(only<Finished>(run.take_actions()).at(0).passed);
    EXPECT_EQ(run.next_deadline(), std::nullopt);
}

TEST(ScenarioMachine, a_reset_host_is_not_active_any_more_before_its_event_arrives) {
    auto run = machine({active_within({Kind::any, {}}, 60s), fault(FaultKind::reset, {"a", "b"}),
                        active_within({Kind::any, {}}, std::nullopt)});
    run.handle(node(1s, "a", "active"));
    run.fault_applied("loss", 2s);
    EXPECT_FALSE(run.finished());
    run.handle(fault_event(2100ms, "fault_applied", "reset", "a,b"));
    run.handle(node(8s, "a", "active"));
    EXPECT_TRUE(run.finished());
    EXPECT_THAT(run.failures(), IsEmpty());
}

TEST(ScenarioMachine, a_bound_that_has_grown_by_its_end_counts_and_a_time_that_was_named_does_not) {
    for (const bool named : {false, true}) {
        Scenario scenario;
        scenario.steps = {
            active_within({Kind::host, "b"}, named ? std::optional<Duration>(10s) : std::nullopt)};
        Duration bound = 10s;
        ScenarioMachine run(
            std::move(scenario), RegionView({"a", "b"}), [&](const std::optional<Fault>&) { return bound; },
            0s);
        EXPECT_EQ(run.next_deadline(), 10s);
        bound = 20s;
        run.on_timeout(10s);
        EXPECT_EQ(run.finished(), named);
        if (named) continue;
        EXPECT_EQ(run.next_deadline(), 20s);
        run.on_timeout(20s);
        EXPECT_TRUE(run.finished());
        EXPECT_THAT(run.failures(), ElementsAre(HasSubstr("within 20.0 s")));
    }
}

TEST(ScenarioMachine, the_host_that_was_active_before_is_no_other) {
    auto run = machine({active_within({Kind::any, {}}, 60s), fault(FaultKind::kill, {"active"}),
                        active_within({Kind::other, {}}, std::nullopt)});
    run.handle(node(1s, "a", "active"));
    run.fault_applied("loss", 2s);
    run.handle({2s, "a", {"agent", "unit_exited", "", {{"unit", std::string("node")}}}});
    run.handle(node(3s, "a", "active"));
    EXPECT_FALSE(run.finished());
    run.on_timeout(12s);
    EXPECT_TRUE(run.finished());
    EXPECT_THAT(run.failures(), ElementsAre(HasSubstr("expected active another host than before the fault")));
}

TEST(ScenarioMachine, a_missed_expectation_says_what_is_instead) {
    auto run = machine({active_within({Kind::host, "b"}, 9300ms)});
    run.handle({1s, "corda-lb", {"lb", "probe_down", "", {{"backend", std::string("a")}}}});
    run.handle(attempt(9s, false));
    run.on_timeout(9299ms);
    EXPECT_FALSE(run.finished());
    run.on_timeout(9300ms);
    EXPECT_THAT(
        run.failures(),
        ElementsAre("s.yaml:3:5: expected active b within 9.3 s; after 9.3 s active is none; last attempt "
                    "failed 300 ms ago: refused; last probe: probe_down of a at 1.0 s"));
}

TEST(ScenarioMachine, clients_succeed_when_three_attempts_begun_since_were_acknowledged) {
    auto run = machine({{Wait{1s}, ""}, clients_within(ClientsExpectation::succeeding, 10s)});
    EXPECT_EQ(run.next_deadline(), 1s);
    run.on_timeout(1s);
    run.handle(attempt(1100ms, true, 200));  // begun before the step
    run.handle(attempt(1200ms, true));
    run.handle(attempt(1300ms, true));
    EXPECT_FALSE(run.finished());
    run.handle(attempt(1400ms, false));
    run.handle(attempt(1500ms, true));
    run.handle(attempt(1600ms, true));
    EXPECT_FALSE(run.finished());
    run.handle(attempt(1700ms, true));
    EXPECT_TRUE(run.finished());
}

TEST(ScenarioMachine, clients_fail_when_three_attempts_in_a_row_did) {
    auto run = machine({clients_within(ClientsExpectation::failing, 10s)});
    for (int i = 1; i <= 3; ++i) run.handle(attempt(std::chrono::seconds(i), false));
    EXPECT_TRUE(run.finished());
    EXPECT_THAT(run.failures(), IsEmpty());
}

TEST(ScenarioMachine, two_active_at_once_are_a_failure_with_both_times) {
    auto run = machine(
        {active_within({Kind::none, {}}, 60s)},
        [] {
            RegionView view({"a", "b"});
            view.handle(node(1s, "a", "active"));
            return view;
        }(),
        2s);
    run.handle(node(3s, "elsewhere", "active"));
    EXPECT_THAT(run.failures(), IsEmpty());
    run.handle(node(4s, "b", "active"));
    EXPECT_THAT(run.failures(), ElementsAre("two active at once: a since 1.0 s and b since 4.0 s"));
    run.handle(node(5s, "a", "stopped"));
    run.handle(node(6s, "b", "stopped"));
    EXPECT_TRUE(run.finished());
    EXPECT_FALSE(only<Finished>(run.take_actions()).at(0).passed);
}

TEST(ScenarioMachine, a_paused_active_counts_again_when_it_is_resumed) {
    RegionView view({"a", "b"});
    view.handle(node(1s, "a", "active"));
    view.handle(fault_event(2s, "fault_applied", "pause", "a"));
    view.handle(node(5s, "b", "active"));
    EXPECT_THAT(view.take_overlaps(), IsEmpty());
    view.handle(fault_event(6s, "fault_healed", "pause", "a"));
    EXPECT_EQ(view.take_overlaps().size(), 1u);
}

TEST(ScenarioMachine, power_off_and_reset_end_activity_of_each_target) {
    for (const char* kind : {"power-off", "reset"}) {
        RegionView view({"a", "b"});
        view.handle(node(1s, "a", "active"));
        view.handle(fault_event(2s, "fault_applied", kind, "b,a"));
        EXPECT_THAT(view.active(), IsEmpty()) << kind;
    }
    RegionView view({"a"});
    view.handle(node(1s, "a", "active"));
    view.handle(fault_event(2s, "fault_applied", "partition", "a"));
    EXPECT_EQ(view.active().size(), 1u) << "cut off, it goes on until it notices";
}

TEST(ScenarioMachine, what_must_hold_for_a_time_fails_when_it_ends_early) {
    auto run = machine({active_within({Kind::host, "a"}, 10s, 5s)});
    run.handle(node(1s, "a", "active"));
    EXPECT_EQ(run.next_deadline(), 6s);
    run.handle(node(3s, "a", "stopped"));
    EXPECT_THAT(run.failures(), ElementsAre(HasSubstr("to hold for 5.0 s; it ended after 2.0 s")));

    auto lasting = machine({active_within({Kind::host, "a"}, 10s, 15s)});
    lasting.handle(node(1s, "a", "active"));
    lasting.on_timeout(16s);
    EXPECT_TRUE(lasting.finished());
    EXPECT_THAT(lasting.failures(), IsEmpty());
}

TEST(ScenarioMachine, a_role_that_nobody_has_fails_the_fault) {
    auto run = machine({fault(FaultKind::kill, {"active"})});
    EXPECT_THAT(run.failures(), ElementsAre(HasSubstr("names a role that no host has now; active is none")));
}

TEST(ScenarioMachine, a_fault_that_is_refused_or_unanswered_fails_the_run) {
    auto refused = machine({fault(FaultKind::pause, {"standby"})});
    EXPECT_THAT(only<ApplyFault>(refused.take_actions()).at(0).fault.targets, ElementsAre("a"));
    refused.fault_refused("loss", "pods can't be paused", 1s);
    EXPECT_THAT(refused.failures(), ElementsAre("fault loss was refused: pods can't be paused"));
    auto silent = machine({fault(FaultKind::pause, {"a"})});
    silent.fault_applied("another", 1s);
    silent.on_timeout(*silent.next_deadline());
    EXPECT_THAT(silent.failures(), ElementsAre(HasSubstr("had no answer within 60.0 s")));
}

TEST(ScenarioMachine, an_abandoned_run_fails_with_the_reason) {
    auto run = machine({active_within({Kind::any, {}}, 60s)});
    run.abandon("the time limit passed", 30s);
    EXPECT_THAT(run.failures(),
                ElementsAre(HasSubstr("abandoned after 30.0 s: the time limit passed; active is none")));
}

}  // namespace
}  // namespace understudy::scenario
