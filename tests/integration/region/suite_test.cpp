// SPDX-License-Identifier: Apache-2.0
// `understudy test`: every scenario of the fast topology passes, in the world that UNDERSTUDY_TEST_WORLD
// names, and the report holds what it promises. The outage that the client measured is within the bound of
// the same run.
#include <cstdlib>
#include <iostream>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

class Suite : public Region {
  protected:
    static std::string world() {
        const char* name = std::getenv("UNDERSTUDY_TEST_WORLD");
        return name == nullptr ? "pod" : name;
    }
    void SetUp() override {
        const Outcome doctor = understudy({"doctor", "--world", world()});
        if (doctor.status == 3)
            GTEST_SKIP() << "this machine cannot run the world " << world() << ":\n" << doctor.out;
    }
};

TEST_F(Suite, every_scenario_passes_within_its_bound_and_loses_nothing) {
    const auto report = scratch_.path() / "out.json";
    const auto junit = scratch_.path() / "out.xml";
    const Outcome outcome = understudy({"test", "topologies/corda-ha-fast.yaml", "--world", world(), "--json",
                                        report.string(), "--junit", junit.string()},
                                       std::chrono::minutes(14));
    std::cout << outcome.out;
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const auto document = read_json(report).as_object();
    EXPECT_EQ(document.at("world").as_string(), world());
    const std::string accelerator(document.at("accelerator").as_string());
    if (world() == "pod")
        EXPECT_EQ(accelerator, "none");
    else
        EXPECT_TRUE(accelerator == "kvm" || accelerator == "tcg") << accelerator;
    const auto& scenarios = document.at("scenarios").as_array();
    EXPECT_EQ(scenarios.size(), 6u);
    for (const auto& entry : scenarios) {
        const auto& scenario = entry.as_object();
        SCOPED_TRACE(json::serialize(scenario.at("name")));
        EXPECT_TRUE(scenario.at("passed").as_bool());
        EXPECT_TRUE(scenario.at("failures").as_array().empty());
        EXPECT_LE(scenario.at("outage_ms").to_number<double>(), scenario.at("bound_ms").to_number<double>());
        const auto& payments = scenario.at("payments").as_object();
        EXPECT_GT(payments.at("acknowledged").as_int64(), 0);
        EXPECT_EQ(payments.at("lost").as_int64(), 0);
        EXPECT_EQ(payments.at("duplicated").as_int64(), 0);
        const auto& timeline = scenario.at("timeline").as_array();
        EXPECT_FALSE(timeline.empty());
        for (const auto& step : timeline)
            for (const char* member : {"t_ms", "event", "host", "detail"})
                EXPECT_TRUE(step.as_object().contains(member)) << member;
    }
    EXPECT_TRUE(std::filesystem::exists(junit));
}

}  // namespace
}  // namespace understudy::test
