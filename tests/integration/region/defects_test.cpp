// SPDX-License-Identifier: Apache-2.0
// The check of lost and duplicated payments finds what it is there for: a region runs with a node that has
// the defect, and the run fails with the count.
#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

class Defects : public Region {
  protected:
    json::object run_with(const std::string& defect, const std::string& scenario) {
        const auto report = scratch_.path() / "out.json";
        const std::string node = test_program("understudy-node-defective").string();
        std::vector<std::string> arguments{"test",       "topologies/corda-ha-fast.yaml",
                                           "--world",    "pod",
                                           "--scenario", scenario,
                                           "--json",     report.string()};
        for (const char* party : {"party-a", "party-b"}) {
            arguments.insert(arguments.end(), {"--set", std::string("nodes.") + party + ".program=" + node});
            arguments.insert(arguments.end(), {"--set", std::string("nodes.") + party +
                                                            ".program_arguments=[--defect, " + defect + "]"});
        }
        const Outcome outcome = understudy(arguments);
        EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
        return read_json(report).as_object().at("scenarios").as_array().at(0).as_object();
    }
};

TEST_F(Defects, a_node_that_acknowledges_before_its_write_is_durable_is_found_to_lose_payments) {
    const auto scenario = run_with("ack-before-durable", "primary process killed");
    EXPECT_FALSE(scenario.at("passed").as_bool());
    EXPECT_GT(scenario.at("payments").as_object().at("lost").as_int64(), 0) << scenario;
}

TEST_F(Defects, a_node_that_ignores_payment_ids_is_found_to_duplicate_payments) {
    const auto scenario =
        run_with("ignore-payment-ids", "tests/integration/region/counterparty-cut-off.yaml");
    EXPECT_FALSE(scenario.at("passed").as_bool());
    EXPECT_GT(scenario.at("payments").as_object().at("duplicated").as_int64(), 0) << scenario;
}

}  // namespace
}  // namespace understudy::test
