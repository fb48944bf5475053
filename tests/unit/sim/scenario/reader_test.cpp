// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/reader.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "sim/scenario/bound.hpp"
#include "sim/topology/reader.hpp"
#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using topology::topologies;

topology::Topology fast() {
    return *topology::load_topology(topologies() + "/corda-ha-fast.yaml");
}

std::string refusal(const std::string& steps) {
    const auto result = parse_scenario("name: s\nsteps:\n" + steps, "s.yaml", fast());
    return result.has_value() ? "accepted" : result.error().message();
}

TEST(ScenarioReader, every_scenario_in_topologies_is_accepted_and_is_named_by_a_topology) {
    std::set<std::string> named, there;
    for (const char* file : {"/corda-ha-fast.yaml", "/activemq-shared-store.yaml"}) {
        const auto topology = topology::load_topology(topologies() + file);
        ASSERT_TRUE(topology.has_value()) << topology.error().message();
        for (const std::string& path : topology->scenarios) {
            named.insert(std::filesystem::path(path).filename());
            const auto scenario = load_scenario(path, *topology);
            ASSERT_TRUE(scenario.has_value()) << scenario.error().message();
            EXPECT_EQ(scenario->always.lost.value_or(0), 0);
            EXPECT_EQ(scenario->always.messages_lost.value_or(0), 0);
            EXPECT_NE(scenario->always.lost.has_value(), scenario->always.messages_lost.has_value()) << path;
            EXPECT_GE(scenario->steps.size(), 3u);
        }
    }
    for (const auto& entry : std::filesystem::directory_iterator(topologies() + "/scenarios"))
        there.insert(entry.path().filename());
    EXPECT_EQ(named, there);
}

TEST(ScenarioReader, steps_and_their_places_are_read) {
    const auto scenario = parse_scenario(
        "name: s\nsteps:\n"
        "  - expect: {active: corda-primary, clients: failing, within: bound, for: 2s}\n"
        "  - fault: {kind: partition, target: active, to: [corda-db, corda-files], as: cut, for: 3s}\n"
        "  - heal: all\n"
        "  - wait: 5s\n",
        "s.yaml", fast());
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message();
    const auto& expect = std::get<Expect>(scenario->steps[0].what);
    EXPECT_EQ(expect.active->host, "corda-primary");
    EXPECT_EQ(expect.clients, ClientsExpectation::failing);
    EXPECT_EQ(expect.within, std::nullopt);
    EXPECT_EQ(expect.hold, 2s);
    const auto& fault = std::get<Fault>(scenario->steps[1].what);
    EXPECT_EQ(fault.kind, FaultKind::partition);
    EXPECT_THAT(fault.targets, ElementsAre("active"));
    EXPECT_THAT(fault.to, ElementsAre("corda-db", "corda-files"));
    EXPECT_EQ(fault.duration, 3s);
    EXPECT_EQ(std::get<Heal>(scenario->steps[2].what).id, "");
    EXPECT_EQ(std::get<Wait>(scenario->steps[3].what).duration, 5s);
    EXPECT_EQ(scenario->steps[1].place, "s.yaml:4:5");
}

TEST(ScenarioReader, mistakes_are_refused_with_their_place_and_what_would_be_right) {
    EXPECT_THAT(
        refusal("  - fault: {kind: power-of, target: active}\n"),
        HasSubstr("s.yaml:3:19: steps[0].fault.kind: 'power-of' is not known; use one of power-off, reset"));
    EXPECT_THAT(refusal("  - fault: {kind: reset, target: corda-primry}\n"),
                HasSubstr("did you mean 'corda-primary'?"));
    EXPECT_THAT(refusal("  - fault: {kind: reset, target: active, to: corda-db}\n"),
                HasSubstr("a reset has no other side"));
    EXPECT_THAT(refusal("  - fault: {kind: partition, target: corda-db, to: corda-db}\n"),
                HasSubstr("on both sides"));
    EXPECT_THAT(refusal("  - expect: {active: corda-db, within: 1s}\n"),
                HasSubstr("'corda-db' carries nothing highly"));
    EXPECT_THAT(refusal("  - expect: {active: any}\n"), HasSubstr("steps[0].expect.within: is missing"));
    EXPECT_THAT(refusal("  - expect: {within: 1s}\n"), HasSubstr("expects nothing"));
    EXPECT_THAT(refusal("  - heal: loss\n"), HasSubstr("there is no fault 'loss' before this step"));
    EXPECT_THAT(refusal("  - fault: {kind: kill, target: active, as: x}\n  - fault: {kind: kill, target: "
                        "active, as: x}\n"),
                HasSubstr("there is another fault 'x'"));
    EXPECT_THAT(refusal("  - {wait: 1s, heal: all}\n"), HasSubstr("is not one step"));
    EXPECT_THAT(refusal("  - waits: 1s\n"), HasSubstr("did you mean 'wait'?"));
    EXPECT_THAT(refusal("  - [1]\n  - x\n"), HasSubstr("s.yaml:4:5"));
    EXPECT_EQ(refusal("  - fault: {kind: reset, target: [active, standby]}\n"), "accepted");
}

TEST(ScenarioReader, faults_of_a_share_are_read_with_what_they_take) {
    const auto scenario = parse_scenario(
        "name: s\nsteps:\n  - fault: {kind: share-error, target: corda-files, path: 'artemis/*', client: "
        "active, "
        "error: ENOSPC, rate: 0.5, for: 10s}\n",
        "s.yaml", fast());
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message();
    const auto& fault = std::get<Fault>(scenario->steps.at(0).what);
    EXPECT_EQ(fault.kind, FaultKind::share_error);
    EXPECT_EQ(fault.settings.at("path"), "artemis/*");
    EXPECT_EQ(fault.settings.at("client"), "active");
    EXPECT_EQ(fault.duration, 10s);
    EXPECT_THAT(causes(fault, fast()), ElementsAre(topology::FaultKind::share_loss));
    EXPECT_THAT(refusal("  - fault: {kind: share-stall, target: corda-db}\n"),
                HasSubstr("'corda-db' is no file service"));
    EXPECT_THAT(refusal("  - fault: {kind: share-error, target: corda-files, rate: 2}\n"),
                HasSubstr("'2' is no number from 0 to 1"));
    EXPECT_THAT(refusal("  - fault: {kind: share-stall, target: corda-files, latency: 1s}\n"),
                HasSubstr("a stall fault has no such setting"));
    EXPECT_THAT(refusal("  - fault: {kind: reset, target: active, path: x}\n"),
                HasSubstr("a reset has no path"));
}

TEST(ScenarioReader, faults_of_a_database_are_read_with_what_they_take) {
    const auto scenario = parse_scenario(
        "name: s\nsteps:\n  - fault: {kind: db-clock-step, target: corda-db, step: -5s, for: 10s}\n",
        "s.yaml", fast());
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message();
    const auto& fault = std::get<Fault>(scenario->steps.at(0).what);
    EXPECT_EQ(fault.kind, FaultKind::db_clock_step);
    EXPECT_EQ(fault.settings.at("step"), "-5s");
    EXPECT_THAT(causes(fault, fast()), ElementsAre(topology::FaultKind::database_loss));
    EXPECT_THAT(refusal("  - fault: {kind: db-freeze, target: corda-files}\n"),
                HasSubstr("s.yaml:3:12: steps[0].fault: 'corda-files' is no database"));
    EXPECT_THAT(refusal("  - fault: {kind: db-slow-commits, target: corda-db}\n"),
                HasSubstr("latency: is missing"));
    EXPECT_THAT(refusal("  - fault: {kind: db-freeze, target: corda-db, step: +1s}\n"),
                HasSubstr("a freeze fault has no such setting"));
    auto with_postgresql = fast();
    with_postgresql.databases.at("corda-db").engine = topology::DatabaseEngine::postgresql;
    const auto refused = parse_scenario(
        "name: s\nsteps:\n  - fault: {kind: db-disk-full, target: corda-db}\n", "s.yaml", with_postgresql);
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().message(),
                HasSubstr("'corda-db' is a PostgreSQL server, which has no db-disk-full"));
}

}  // namespace
}  // namespace understudy::scenario
