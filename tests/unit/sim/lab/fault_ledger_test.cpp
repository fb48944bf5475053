// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/core/fault_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace understudy::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Instant start{};

FaultLedger three_hosts() {
    return FaultLedger({"primary", "backup", "database"});
}

FaultRequest request(FaultKind kind, std::vector<std::string> targets, std::string name = "") {
    FaultRequest made;
    made.kind = kind;
    made.targets = std::move(targets);
    made.name = std::move(name);
    return made;
}

TEST(FaultLedger, a_power_off_is_undone_by_a_power_on_of_the_same_host) {
    auto ledger = three_hosts();
    const auto applied = ledger.apply(request(FaultKind::power_off, {"primary"}, "loss"), start);
    EXPECT_THAT(applied->effects, ElementsAre(Effect{Effect::Kind::power_off, "primary", ""}));
    EXPECT_THAT(*ledger.heal("loss"), ElementsAre(Effect{Effect::Kind::power_on, "primary", ""}));
    EXPECT_THAT(ledger.in_force(), IsEmpty());
}

TEST(FaultLedger, a_host_that_two_faults_hold_off_comes_back_with_the_second_heal) {
    auto ledger = three_hosts();
    const auto first = ledger.apply(request(FaultKind::power_off, {"primary"}), start);
    const auto second = ledger.apply(request(FaultKind::power_off, {"primary", "backup"}), start);
    EXPECT_THAT(second->effects, ElementsAre(Effect{Effect::Kind::power_off, "backup", ""}));
    EXPECT_THAT(*ledger.heal(first->id), IsEmpty());
    EXPECT_THAT(*ledger.heal(second->id), UnorderedElementsAre(Effect{Effect::Kind::power_on, "primary", ""},
                                                               Effect{Effect::Kind::power_on, "backup", ""}));
}

TEST(FaultLedger, a_fault_of_a_share_is_the_file_services_own_under_the_same_id) {
    FaultLedger ledger({"primary", "files"}, {.files = {"files"}});
    auto stall = request(FaultKind::share_stall, {"files"}, "slow-journal");
    stall.settings = {{"client", "primary"}, {"path", "artemis/*"}};
    EXPECT_EQ(in_words(stall), "share-stall files, client primary, path artemis/*");
    EXPECT_THAT(ledger.apply(stall, start)->effects,
                ElementsAre(Effect{Effect::Kind::service_fault,
                                   "files",
                                   "slow-journal",
                                   {"stall", "client=primary", "path=artemis/*"}}));
    EXPECT_THAT(ledger.of_service("primary"), IsEmpty());
    EXPECT_THAT(ledger.of_service("files"),
                ElementsAre(Effect{Effect::Kind::service_fault,
                                   "files",
                                   "slow-journal",
                                   {"stall", "client=primary", "path=artemis/*"}}));
    EXPECT_THAT(*ledger.heal("slow-journal"),
                ElementsAre(Effect{Effect::Kind::service_heal, "files", "slow-journal"}));
    EXPECT_TRUE(ledger.apply(request(FaultKind::share_power_loss, {"files"}), start)->heals_itself);
    EXPECT_THAT(ledger.of_service("files"), IsEmpty());
    EXPECT_THAT(ledger.in_force(), IsEmpty());
    EXPECT_THAT(ledger.apply(request(FaultKind::share_stall, {"primary"}), start).error().message(),
                HasSubstr("'primary' is no file service; file services: files"));
}

TEST(FaultLedger, a_fault_of_a_database_is_its_own_and_a_postgresql_server_takes_read_only_alone) {
    FaultLedger ledger({"primary", "ours", "real"}, {.databases = {"ours", "real"}, .postgresql = {"real"}});
    auto step = request(FaultKind::db_clock_step, {"ours"}, "late");
    step.settings = {{"step", "-5s"}};
    EXPECT_EQ(in_words(step), "db-clock-step ours, step -5s");
    EXPECT_THAT(ledger.apply(step, start)->effects,
                ElementsAre(Effect{Effect::Kind::service_fault, "ours", "late", {"clock-step", "step=-5s"}}));
    EXPECT_THAT(*ledger.heal("late"), ElementsAre(Effect{Effect::Kind::service_heal, "ours", "late"}));
    EXPECT_TRUE(ledger.apply(request(FaultKind::db_power_loss, {"ours"}), start)->heals_itself);
    EXPECT_THAT(ledger.apply(request(FaultKind::db_freeze, {"primary"}), start).error().message(),
                HasSubstr("'primary' is no database; databases: ours, real"));
    EXPECT_TRUE(ledger.apply(request(FaultKind::db_read_only, {"real"}), start).has_value());
    EXPECT_THAT(ledger.apply(request(FaultKind::db_freeze, {"real"}), start).error().message(),
                HasSubstr("'real' is a PostgreSQL server, which can't do that; use pause"));
}

TEST(FaultLedger, a_partition_cuts_both_directions_and_overlapping_ones_share_their_cuts) {
    auto ledger = three_hosts();
    auto narrow = request(FaultKind::partition, {"primary"}, "narrow");
    narrow.others = {"database"};
    EXPECT_THAT(ledger.apply(narrow, start)->effects,
                UnorderedElementsAre(Effect{Effect::Kind::cut, "primary", "database"},
                                     Effect{Effect::Kind::cut, "database", "primary"}));
    const auto wide = ledger.apply(request(FaultKind::partition, {"primary"}, "wide"), start);
    EXPECT_THAT(wide->effects, UnorderedElementsAre(Effect{Effect::Kind::cut, "primary", "backup"},
                                                    Effect{Effect::Kind::cut, "backup", "primary"}));
    EXPECT_THAT(*ledger.heal("narrow"), IsEmpty());
    EXPECT_EQ(ledger.heal("wide")->size(), 4u);
}

TEST(FaultLedger, stops_of_two_units_of_one_host_are_two_holds) {
    auto ledger = three_hosts();
    auto node = request(FaultKind::stop, {"primary"}, "node-stopped");
    auto mount = request(FaultKind::stop, {"primary"}, "mount-stopped");
    mount.unit = "mount";
    EXPECT_EQ(ledger.apply(node, start)->effects.size(), 1u);
    EXPECT_EQ(ledger.apply(mount, start)->effects.size(), 1u);
    EXPECT_THAT(*ledger.heal("mount-stopped"),
                ElementsAre(Effect{Effect::Kind::start_unit, "primary", "mount"}));
}

TEST(FaultLedger, a_reset_and_a_kill_leave_nothing_to_heal) {
    auto ledger = three_hosts();
    EXPECT_TRUE(ledger.apply(request(FaultKind::reset, {"primary"}), start)->heals_itself);
    const auto killed = ledger.apply(request(FaultKind::kill, {"primary"}), start);
    EXPECT_THAT(killed->effects, ElementsAre(Effect{Effect::Kind::kill_unit, "primary", "node"}));
    EXPECT_THAT(ledger.in_force(), IsEmpty());
    EXPECT_TRUE(ledger.heal(killed->id).has_error());
}

TEST(FaultLedger, a_fault_with_a_time_is_due_when_it_is_over_and_not_before) {
    auto ledger = three_hosts();
    auto paused = request(FaultKind::pause, {"primary"}, "nap");
    paused.lasts = 3s;
    ASSERT_TRUE(ledger.apply(paused, start).has_value());
    ASSERT_TRUE(ledger.next_deadline().has_value());
    EXPECT_EQ(ledger.next_deadline()->when, start + 3s);
    EXPECT_THAT(ledger.due(start + 2s), IsEmpty());
    EXPECT_THAT(ledger.due(start + 3s), ElementsAre("nap"));
}

TEST(FaultLedger, an_unknown_host_is_refused_with_the_one_that_was_meant) {
    auto ledger = three_hosts();
    const auto refused = ledger.apply(request(FaultKind::pause, {"primray"}), start);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(refused.error().message(), HasSubstr("did you mean 'primary'?"));
    EXPECT_TRUE(ledger.apply(request(FaultKind::pause, {}), start).has_error());
    auto alone = request(FaultKind::partition, {"primary"});
    alone.others = {"primary"};
    EXPECT_TRUE(ledger.apply(alone, start).has_error());
}

TEST(FaultLedger, a_name_in_use_is_refused_and_changes_nothing) {
    auto ledger = three_hosts();
    ASSERT_TRUE(ledger.apply(request(FaultKind::pause, {"primary"}, "same"), start).has_value());
    EXPECT_TRUE(ledger.apply(request(FaultKind::power_off, {"backup"}, "same"), start).has_error());
    EXPECT_EQ(ledger.in_force().size(), 1u);
    EXPECT_EQ(ledger.heal("same")->size(), 1u);
}

// Whatever was applied, when everything is healed each beginning has had exactly one undoing, in any order of
// heals.
TEST(FaultLedger, healing_everything_undoes_everything_exactly_once) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        auto ledger = three_hosts();
        const std::vector<std::string> hosts{"primary", "backup", "database"};
        std::map<std::tuple<Effect::Kind, std::string, std::string>, int> balance;
        const auto count = [&](const std::vector<Effect>& effects) {
            for (const Effect& effect : effects) {
                const bool undoes =
                    effect.kind == Effect::Kind::power_on || effect.kind == Effect::Kind::resume ||
                    effect.kind == Effect::Kind::mend || effect.kind == Effect::Kind::start_unit;
                const Effect::Kind kind = effect.kind == Effect::Kind::power_on     ? Effect::Kind::power_off
                                          : effect.kind == Effect::Kind::resume     ? Effect::Kind::pause
                                          : effect.kind == Effect::Kind::mend       ? Effect::Kind::cut
                                          : effect.kind == Effect::Kind::start_unit ? Effect::Kind::stop_unit
                                                                                    : effect.kind;
                int& held = balance[{kind, effect.host, effect.other}];
                held += undoes ? -1 : 1;
                EXPECT_TRUE(held == 0 || held == 1);
            }
        };
        const FaultKind states[] = {FaultKind::power_off, FaultKind::pause, FaultKind::stop,
                                    FaultKind::partition};
        for (int step = 0; step < 20; ++step) {
            if (random.chance(0.4) && !ledger.in_force().empty())
                count(*ledger.heal(ledger.in_force()[random.below(ledger.in_force().size())].id));
            else
                count(
                    ledger.apply(request(states[random.below(4)], {hosts[random.below(3)]}), start)->effects);
        }
        while (!ledger.in_force().empty()) count(*ledger.heal(ledger.in_force().front().id));
        for (const auto& [effect, held] : balance) EXPECT_EQ(held, 0);
    }
}

}  // namespace
}  // namespace understudy::lab
