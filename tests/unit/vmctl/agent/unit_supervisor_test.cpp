// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/unit_supervisor.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace understudy::vmctl {
namespace {

std::string effects(UnitSupervisor& supervisor) {
    std::string text;
    for (const UnitAction& action : supervisor.take_actions()) {
        if (const auto* spawn = std::get_if<SpawnUnit>(&action)) text += "spawn " + spawn->unit + ";";
        if (const auto* sent = std::get_if<SignalProcess>(&action))
            text += "signal " + sent->unit + " " + std::to_string(sent->signal) + ";";
        if (std::holds_alternative<AllStopped>(action)) text += "all stopped;";
    }
    return text;
}

struct UnitSupervisorTest : testing::Test {
    void SetUp() override {
        supervisor.handle(UnitsConfigured{{{"node", {"n"}, {}, {"mount"}}, {"mount", {"m"}}}}, now);
    }
    UnitSupervisor supervisor;
    Instant now{};
};

TEST_F(UnitSupervisorTest, a_unit_starts_only_when_what_it_requires_is_ready) {
    EXPECT_EQ(effects(supervisor), "spawn mount;");
    supervisor.handle(UnitSpawned{"mount", 5}, now);
    EXPECT_EQ(effects(supervisor), "");
    supervisor.handle(UnitReady{"mount"}, now);
    EXPECT_EQ(effects(supervisor), "spawn node;");
}

TEST_F(UnitSupervisorTest, a_lost_requirement_holds_back_the_restart_but_kills_nothing) {
    supervisor.handle(UnitReady{"mount"}, now);
    effects(supervisor);
    supervisor.handle(UnitNotReady{"mount"}, now);
    EXPECT_EQ(effects(supervisor), "");
    supervisor.handle(UnitExited{"node", 1, {}}, now);
    supervisor.on_timeout(now + 100ms);
    EXPECT_EQ(effects(supervisor), "");
    supervisor.handle(UnitReady{"mount"}, now + 1s);
    EXPECT_EQ(effects(supervisor), "spawn node;");
}

TEST_F(UnitSupervisorTest, a_stopped_unit_is_killed_after_its_limit_and_stays_down) {
    effects(supervisor);
    supervisor.handle(StopRequested{"mount"}, now);
    EXPECT_EQ(effects(supervisor), "signal mount 15;");
    supervisor.on_timeout(now + 2s);
    EXPECT_EQ(effects(supervisor), "signal mount 9;");
    supervisor.handle(UnitExited{"mount", {}, SIGKILL}, now + 2s);
    EXPECT_FALSE(supervisor.next_deadline().has_value());
    EXPECT_EQ(effects(supervisor), "");
}

TEST_F(UnitSupervisorTest, a_shutdown_stops_dependents_first) {
    supervisor.handle(UnitReady{"mount"}, now);
    effects(supervisor);
    supervisor.handle(ShutdownRequested{}, now);
    EXPECT_EQ(effects(supervisor), "signal node 15;");
    supervisor.handle(UnitExited{"node", 0, {}}, now);
    EXPECT_EQ(effects(supervisor), "signal mount 15;");
    supervisor.handle(UnitExited{"mount", 0, {}}, now);
    EXPECT_EQ(effects(supervisor), "all stopped;");
}

}  // namespace
}  // namespace understudy::vmctl
