// SPDX-License-Identifier: Apache-2.0
// Every mistake in a topology ends with exit 2, a line with file:line:column and what would be right, and
// nothing started.
#include <fstream>
#include <regex>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

struct Mistake {
    const char* name;
    std::vector<std::string> settings;
    const char* said;
};

class BadInput : public Region, public ::testing::WithParamInterface<Mistake> {
  protected:
    void SetUp() override {}
};

TEST_P(BadInput, ends_with_exit_2_and_says_what_would_be_right) {
    std::vector<std::string> arguments{"up",     "topologies/corda-ha-fast.yaml", "--world", "pod", "--name",
                                       "refused"};
    for (const auto& setting : GetParam().settings) arguments.insert(arguments.end(), {"--set", setting});
    const Outcome outcome = understudy(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_TRUE(std::regex_search(outcome.err, std::regex(GetParam().said))) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("understudy: ", 0), 0u) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "regions" / "refused"));
}

INSTANTIATE_TEST_SUITE_P(
    mistakes, BadInput,
    ::testing::Values(
        Mistake{"unknown_key", {"load_balancers.corda-lb.frontned=1"}, "did you mean 'frontend'"},
        Mistake{
            "duplicate_address", {"virtual_machines.corda-backup.address=192.0.2.11"}, "192\\.0\\.2\\.11"},
        Mistake{"address_outside_its_network",
                {"virtual_machines.corda-backup.address=203.0.113.77"},
                "192\\.0\\.2\\.0/24"},
        Mistake{"a_rule_naming_a_missing_probe", {"load_balancers.corda-lb.probes.p2p=null"}, "p2p"},
        Mistake{
            "wait_not_above_update", {"nodes.party-a.mutual_exclusion.wait_interval=1s"}, "wait_interval"},
        Mistake{"p2p_address_of_any", {"nodes.party-a.p2p_address=0.0.0.0:10010"}, "0\\.0\\.0\\.0"},
        Mistake{"p2p_address_of_a_private_machine",
                {"nodes.party-a.p2p_address=192.0.2.11:10010"},
                "192\\.0\\.2\\.11"},
        Mistake{"port_above_65535", {"load_balancers.corda-lb.probes.p2p.port=100015"}, "65535"}),
    [](const auto& instance) { return std::string(instance.param.name); });

class BadFile : public Region {
  protected:
    void SetUp() override {}
};

TEST_F(BadFile, a_mistake_in_a_file_is_named_by_file_line_and_column) {
    const auto path = scratch_.path() / "mine.yaml";
    std::ofstream(path) << "version: 1\nextends: "
                        << (source_directory() / "topologies/corda-ha-fast.yaml").string()
                        << "\nname: mine\nclients:\n  app:\n    rte: 5/s\n";
    const Outcome outcome = understudy({"validate", path.string()});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.err.find(path.string() + ":6:5: "), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("did you mean 'rate'?"), std::string::npos) << outcome.err;
}

TEST_F(BadFile, bad_usage_is_exit_2_and_a_missing_file_too) {
    EXPECT_EQ(understudy({"frobnicate"}).status, 2);
    EXPECT_EQ(understudy({"up", "--world", "moon"}).status, 2);
    EXPECT_EQ(understudy({"validate", (scratch_.path() / "missing.yaml").string()}).status, 2);
    EXPECT_EQ(understudy({"status", "--name", "nowhere"}).status, 1);
}

}  // namespace
}  // namespace understudy::test
