// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <tinyxml2.h>

#include "base/json.hpp"
#include "sim/report/documents.hpp"
#include "sim/report/text.hpp"

namespace understudy::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Attributes = std::map<std::string, AttributeValue>;

RegionEvent event(Duration at, std::string host, std::string source, std::string name,
                  Attributes attributes = {}, std::string detail = "") {
    return {
        at, std::move(host), {std::move(source), std::move(name), std::move(detail), std::move(attributes)}};
}

RegionEvent attempt(Duration at, bool acknowledged) {
    return event(at, "app", "client", "attempt",
                 {{"outcome", std::string(acknowledged ? "acknowledged" : "failed")},
                  {"reason", std::string("reset")}});
}

RegionEvent lab(Duration at, std::string name, std::string target) {
    return event(at, "", "lab", std::move(name),
                 {{"kind", std::string("power-off")}, {"target", std::move(target)}});
}

std::vector<RegionEvent> failover() {
    return {
        event(0s, "a", "node", "active"),
        attempt(1s, true),
        attempt(2s, true),
        lab(2500ms, "fault_applied", "a"),
        attempt(2600ms, true),
        attempt(4s, false),
        attempt(5s, false),
        event(5s, "lb", "lb", "probe_down", {{"backend", std::string("a")}, {"probe", std::string("rpc")}},
              "timed out"),
        event(5100ms, "lb", "lb", "probe_down",
              {{"backend", std::string("a")}, {"probe", std::string("rpc")}}),
        event(6s, "b", "node", "lease_taken"),
        event(7s, "b", "node", "active"),
        event(7500ms, "lb", "lb", "probe_up", {{"backend", std::string("b")}, {"probe", std::string("rpc")}}),
        attempt(8s, true),
        lab(9s, "fault_healed", "a"),
        attempt(10s, true)};
}

ScenarioRun run(std::vector<RegionEvent> events) {
    return {"power loss", true, 12s, {5, 0, 0}, {}, std::move(events), 10s};
}

TEST(Outage, is_the_longest_gap_between_successes_that_ends_after_the_fault) {
    EXPECT_EQ(outage(failover()), 5400ms);
    EXPECT_EQ(longest_outage(failover())->from, 2600ms);
    EXPECT_EQ(longest_outage(failover())->to, 8s);
    EXPECT_EQ(
        outage({attempt(1s, true), attempt(9s, true), lab(9s, "fault_applied", "a"), attempt(10s, true)}), 1s)
        << "a gap before the fault is none of its making";
}

TEST(Outage, runs_to_the_end_when_nothing_succeeds_again) {
    EXPECT_EQ(
        outage({attempt(1s, true), lab(2s, "fault_applied", "a"), attempt(3s, false), attempt(8s, false)}),
        7s);
    EXPECT_EQ(outage({attempt(1s, true), lab(2s, "fault_applied", "a"), event(6s, "b", "node", "active")}),
              5s);
}

TEST(Outage, is_nothing_without_a_fault_or_without_a_success_before_it) {
    EXPECT_EQ(outage({}), std::nullopt);
    EXPECT_EQ(outage({attempt(1s, true), attempt(2s, true)}), std::nullopt);
    EXPECT_EQ(outage({lab(1s, "fault_applied", "a"), attempt(2s, true), attempt(4s, true)}), std::nullopt);
}

TEST(Timeline, has_each_step_of_the_failover_once_and_in_order) {
    std::vector<std::string> steps;
    for (const TimelineEntry& entry : timeline(failover())) steps.push_back(entry.event + " " + entry.host);
    EXPECT_THAT(steps, ElementsAre("fault a", "first failed attempt app", "probe down a", "lease taken b",
                                   "node active b", "probe up b", "first success app", "heal a"));
    EXPECT_EQ(timeline(failover())[1].after_fault, 1500ms);
    EXPECT_EQ(timeline(failover())[2].detail, "rpc: timed out");
}

TEST(Timeline, begins_again_with_each_fault) {
    auto events = failover();
    events.push_back(lab(11s, "fault_applied", "b"));
    events.push_back(attempt(12s, false));
    const auto entries = timeline(events);
    ASSERT_EQ(entries.size(), 10u);
    EXPECT_EQ(entries.back().event, "first failed attempt");
    EXPECT_EQ(entries.back().after_fault, 1s);
}

TEST(Text, the_table_is_aligned_and_counts_from_the_runs_start) {
    EXPECT_THAT(timeline_table(timeline(failover()), 0s),
                testing::StartsWith("   time  after fault  event                 host  detail\n"
                                    "2.500 s     +0.000 s  fault                 a     power-off\n"
                                    "4.000 s     +1.500 s  first failed attempt  app   reset\n"
                                    "5.000 s     +2.500 s  probe down            a     rpc: timed out\n"));
}

TEST(Text, lanes_show_who_was_active_and_how_clients_fared) {
    EXPECT_EQ(lanes(failover(), 20),
              "a        |######..............|\n"
              "b        |..............######|\n"
              "clients  |  + ++  x x     +  +|\n"
              "faults   |     !            ^ |\n"
              "          0 s           10.0 s\n");
    EXPECT_EQ(lanes({}, 20), "");
    EXPECT_THAT(lanes({attempt(1s, true), attempt(1s, false)}, 4), HasSubstr("clients  |~   |"));
}

TEST(Text, the_summary_names_verdict_outage_bound_payments_and_failures) {
    ScenarioRun failed = run(failover());
    failed.passed = false;
    failed.failures = {"1 payment lost"};
    const std::string text = summary(failed);
    EXPECT_THAT(text, testing::StartsWith("power loss: FAILED in 10.0 s\n"));
    EXPECT_THAT(text, HasSubstr("outage 5.4 s (bound 12.0 s)\n"));
    EXPECT_THAT(text, HasSubstr("payments: 5 acknowledged, 0 lost, 0 duplicated\nfailed: 1 payment lost\n"));
    EXPECT_THAT(summary(run({})), HasSubstr("power loss: passed"));
    EXPECT_THAT(text, testing::Not(HasSubstr("too busy")));
    failed.lost_to_slowness = {{8s, "b"}};
    EXPECT_THAT(summary(failed), HasSubstr("too busy for the topology's timers: 1 lease(s)"));
    EXPECT_THAT(summary(failed), HasSubstr("the first by b at 8.000 s"));
}

TEST(Documents, the_json_report_has_the_promised_members) {
    auto events = failover();
    for (RegionEvent& each : events) each.at += 60s;  // regions run for a while before a scenario begins
    ScenarioRun without_fault = run({});
    without_fault.bound.reset();
    const json::value parsed =
        json::parse(to_json({"corda-ha", "pod", "none", {run(events), without_fault}}));
    EXPECT_EQ(parsed.at("accelerator").as_string(), "none");
    const json::value& first = parsed.at("scenarios").at(0);
    EXPECT_EQ(first.at("outage_ms").as_int64(), 5400);
    EXPECT_EQ(first.at("bound_ms").as_int64(), 12000);
    EXPECT_EQ(first.at("leases_lost_to_slowness").as_int64(), 0);
    EXPECT_EQ(first.at("payments").at("acknowledged").as_int64(), 5);
    EXPECT_EQ(first.at("timeline").at(0).at("t_ms").as_int64(), 2500);
    EXPECT_EQ(first.at("timeline").at(0).at("event").as_string(), "fault");
    EXPECT_TRUE(first.at("failures").as_array().empty());
    EXPECT_TRUE(parsed.at("scenarios").at(1).at("outage_ms").is_null());
    EXPECT_TRUE(parsed.at("scenarios").at(1).at("bound_ms").is_null());
}

TEST(Documents, junit_xml_stays_well_formed_whatever_a_failure_says) {
    ScenarioRun failed = run({});
    failed.passed = false;
    failed.name = "a \"b\" <c> & d";
    failed.failures = {"]]> <x> \x01 \xff \xed\xa0\x80 \xef\xbf\xbf \xc3",
                       "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"};
    const std::string xml = to_junit_xml({"corda-ha", "vm", "tcg", {run({}), failed}});
    tinyxml2::XMLDocument document;
    ASSERT_EQ(document.Parse(xml.c_str()), tinyxml2::XML_SUCCESS) << document.ErrorStr();
    const auto* suite = document.FirstChildElement("testsuites")->FirstChildElement("testsuite");
    EXPECT_EQ(suite->IntAttribute("tests"), 2);
    EXPECT_EQ(suite->IntAttribute("failures"), 1);
    const auto* test = suite->LastChildElement("testcase");
    EXPECT_STREQ(test->Attribute("name"), failed.name.c_str());
    EXPECT_THAT(test->FirstChildElement("failure")->GetText(), HasSubstr("]]> <x> \uFFFD \uFFFD"));
    EXPECT_THAT(test->FirstChildElement("failure")->GetText(), HasSubstr("\ncaf\u00e9 \u20ac \U0001F600"));
    EXPECT_EQ(xml.find('\x01'), std::string::npos);
}

}  // namespace
}  // namespace understudy::report
