// SPDX-License-Identifier: Apache-2.0
// Software that knows nothing of Understudy: two ActiveMQ brokers with one store on the share. After each
// failover every message that a broker acknowledged arrives, and none is acknowledged by a broker that
// another has followed.
#include <iostream>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

class ActiveMq : public Region {
  protected:
    void SetUp() override {
        Region::SetUp();
        for (const char* needed : {"/usr/share/activemq/bin/activemq.jar", "/usr/bin/java",
                                   "/usr/lib/python3/dist-packages/stomp"})
            if (!std::filesystem::exists(needed))
                GTEST_SKIP() << needed
                             << " is missing: apt install activemq default-jre-headless python3-stomp";
    }
};

TEST_F(ActiveMq, every_acknowledged_message_arrives_after_each_failover) {
    const auto report = scratch_.path() / "out.json";
    const Outcome outcome =
        understudy({"test", "topologies/activemq-shared-store.yaml", "--json", report.string()},
                   std::chrono::minutes(9));
    std::cout << outcome.out;
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const auto document = read_json(report).as_object();
    EXPECT_EQ(document.at("world").as_string(), "pod");
    const auto& scenarios = document.at("scenarios").as_array();
    EXPECT_EQ(scenarios.size(), 4u);
    for (const auto& entry : scenarios) {
        const auto& scenario = entry.as_object();
        SCOPED_TRACE(json::serialize(scenario.at("name")));
        EXPECT_TRUE(scenario.at("passed").as_bool());
        EXPECT_LE(scenario.at("outage_ms").to_number<double>(), scenario.at("bound_ms").to_number<double>());
        const auto& messages = scenario.at("messages").as_object();
        EXPECT_GT(messages.at("acknowledged").as_int64(), 0);
        EXPECT_GE(messages.at("received").as_int64(), messages.at("acknowledged").as_int64());
        EXPECT_EQ(messages.at("lost").as_int64(), 0);
        EXPECT_EQ(messages.at("out_of_turn").as_int64(), 0);
    }
}

TEST_F(ActiveMq, what_a_program_needs_and_the_machine_lacks_is_named_with_its_remedy) {
    const Outcome outcome = understudy({"up", "topologies/activemq-shared-store.yaml", "--set",
                                        "programs.broker.from_machine=/etc/no-such-runtime", "--set",
                                        "programs.broker.command=no-such-command"});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_NE(outcome.err.find("no-such-command: program broker: is not on this machine"), std::string::npos)
        << outcome.err;
    EXPECT_NE(outcome.err.find("/etc/no-such-runtime: program broker"), std::string::npos) << outcome.err;
}

TEST_F(ActiveMq, a_topology_with_programs_is_refused_for_virtual_machines) {
    const Outcome outcome = understudy({"up", "topologies/activemq-shared-store.yaml", "--world", "vm"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.err.find("its programs run in pods"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace understudy::test
