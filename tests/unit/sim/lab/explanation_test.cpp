// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/core/explanation.hpp"

#include <gmock/gmock.h>

namespace understudy::lab {
namespace {

using ::testing::HasSubstr;

BackendFacts healthy() {
    ProbeFacts probe;
    probe.name = "p2p";
    probe.target = "tcp 192.0.2.11:10010";
    probe.health = "up";
    probe.reason = "connect to 192.0.2.11:10010 answered after 0.2 ms";
    probe.past = {probe.reason};
    probe.group = "corda";
    probe.rule = "AllowAzureLoadBalancerInBound";
    probe.priority = 65001;
    BackendFacts facts;
    facts.balancer = "corda-lb";
    facts.backend = "corda-primary";
    facts.balancer_host_state = facts.backend_host_state = "running";
    facts.role = "active";
    facts.state = "up";
    facts.reason = "every probe succeeds";
    facts.probe_source = "203.0.113.254";
    facts.probes = {probe};
    return facts;
}

BackendFacts with_a_probe_down() {
    BackendFacts facts = healthy();
    facts.state = "down";
    facts.probes[0].health = "down";
    facts.probes[0].reason = "connect to 192.0.2.11:10010 not answered within 500ms, 2nd failure in a row";
    return facts;
}

TEST(Explanation, of_a_healthy_backend_has_nothing_to_fix) {
    const auto explanation = explain(healthy());
    EXPECT_THAT(explanation.verdict, HasSubstr("takes new flows"));
    EXPECT_EQ(explanation.fix, "");
    EXPECT_THAT(explanation_text(healthy(), explanation), HasSubstr("nothing to fix"));
}

TEST(Explanation, names_the_security_rule_that_denies_the_probe) {
    BackendFacts facts = with_a_probe_down();
    facts.probes[0].allowed = false;
    facts.probes[0].rule = "no-probes";
    facts.probes[0].priority = 200;
    const auto explanation = explain(facts);
    EXPECT_THAT(explanation.verdict,
                HasSubstr("rule no-probes (priority 200) of security group corda denies"));
    EXPECT_THAT(explanation.fix, HasSubstr("AzureLoadBalancer (203.0.113.254), with a priority below 200"));
}

TEST(Explanation, a_probe_that_has_judged_nothing_yet_is_not_called_down) {
    BackendFacts facts = healthy();
    facts.state = "unknown";
    facts.probes[0].health = "unknown";
    facts.probes[0].past = {};
    facts.probes[0].reason = "";
    const auto before = explain(facts);
    EXPECT_THAT(before.verdict, HasSubstr("has not judged it yet: no result so far"));
    EXPECT_EQ(before.fix, "");
    EXPECT_THAT(explanation_text(facts, before),
                HasSubstr("probe p2p, tcp 192.0.2.11:10010: not judged yet\n"));
    // A failure below the threshold: said, and still no judgement.
    facts.probes[0].reason = "connect to 192.0.2.11:10010 refused after 0.1 ms, 1st failure in a row";
    EXPECT_THAT(explain(facts).verdict, HasSubstr("has not judged it yet: connect to 192.0.2.11:10010"));
    // What would keep it from ever succeeding is said at once.
    facts.probes[0].allowed = false;
    EXPECT_THAT(explain(facts).fix, HasSubstr("allow the probes"));
}

TEST(Explanation, a_probe_that_is_down_comes_before_one_that_has_not_judged) {
    BackendFacts facts = with_a_probe_down();
    facts.probes.insert(facts.probes.begin(), facts.probes[0]);
    facts.probes[0].name = "rpc";
    facts.probes[0].health = "unknown";
    EXPECT_THAT(explain(facts).verdict, HasSubstr("probe p2p"));
}

TEST(Explanation, of_a_standby_says_that_this_is_as_it_should_be) {
    BackendFacts facts = with_a_probe_down();
    facts.role = "standby";
    const auto explanation = explain(facts);
    EXPECT_THAT(explanation.verdict, HasSubstr("once it has the lease"));
    EXPECT_EQ(explanation.fix, "");
}

TEST(Explanation, of_a_host_that_a_fault_took_names_the_fault_and_its_end) {
    BackendFacts facts = with_a_probe_down();
    facts.backend_host_state = "off";
    facts.faults = {{"f1", "f1: power-off corda-primary, for 3s"}};
    const auto explanation = explain(facts);
    EXPECT_THAT(explanation.verdict, HasSubstr("its host is off, by f1: power-off corda-primary"));
    EXPECT_EQ(explanation.fix, "understudy heal f1");
}

TEST(Explanation, of_a_partition_names_the_fault_although_both_hosts_run) {
    BackendFacts facts = with_a_probe_down();
    facts.faults = {{"f2", "f2: partition corda-primary from everyone, for 3s"}};
    EXPECT_EQ(explain(facts).fix, "understudy heal f2");
}

TEST(Explanation, the_administrators_will_comes_before_the_probes) {
    BackendFacts facts = with_a_probe_down();
    facts.state = "disabled";
    facts.reason = "disabled by the administrator";
    const auto explanation = explain(facts);
    EXPECT_THAT(explanation.verdict, HasSubstr("disabled by the administrator"));
    EXPECT_THAT(explanation.fix, HasSubstr("enable corda-primary"));
}

TEST(Explanation, a_balancer_that_is_silent_is_the_first_thing_to_mend) {
    BackendFacts facts = with_a_probe_down();
    facts.state = "";
    facts.balancer_host_state = "off";
    EXPECT_THAT(explain(facts).verdict, HasSubstr("corda-lb doesn't say what it knows: its host is off"));
}

TEST(Explanation, of_a_dead_program_points_at_its_log) {
    EXPECT_EQ(explain(with_a_probe_down()).fix,
              "look at what should listen there: understudy logs corda-primary");
}

}  // namespace
}  // namespace understudy::lab
