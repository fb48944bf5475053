// SPDX-License-Identifier: Apache-2.0
#include "sim/node/node_config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_directory.hpp"

namespace understudy::node {
namespace {

class NodeConfigFile : public testing::Test {
  protected:
    NodeConfigFile() { scratch.write("password", "secret\n"); }

    Result<NodeConfig> load(const std::string& p2p_address, const std::string& update,
                            const std::string& wait, const std::string& more = "") {
        std::ofstream(directory + "/node.yaml")
            << "legal_name: \"O=Party A, L=London, C=GB\"\nmachine_name: primary\nbase_directory: /opt/node\n"
            << "share: /mnt/share\ndatabase: {address: 203.0.113.30, port: 5432, name: a, user: a, "
               "password_file: "
            << directory << "/password}\np2p: {address: \"" << p2p_address
            << "\", listen: \"0.0.0.0:10010\"}\n"
            << "rpc: {listen: \"0.0.0.0:10005\"}\nhttp: {listen: \"0.0.0.0:10004\"}\nnetwork_map: "
               "203.0.113.40:8080\n"
            << "mutual_exclusion: {enabled: true, update_interval: " << update << ", wait_interval: " << wait
            << "}\n"
            << more;
        return load_node_config(directory + "/node.yaml");
    }
    const test::ScratchDirectory scratch;
    const std::string directory = scratch.path();
};

TEST_F(NodeConfigFile, is_read_whole) {
    const auto node = load("corda-lb.region.test:10010", "20s", "40s");
    ASSERT_TRUE(node.has_value()) << node.error().message();
    EXPECT_EQ(node->lease.confirmation_limit(), 30s);
    EXPECT_EQ(node->share_timeout, 20s);
    EXPECT_EQ(node->journal_directory(), "/mnt/share/artemis");
    EXPECT_EQ(node->database.password, "secret");
}

TEST_F(NodeConfigFile, a_wait_interval_not_above_the_update_interval_is_refused_where_it_stands) {
    const auto node = load("corda-lb.region.test:10010", "20s", "20s");
    ASSERT_TRUE(node.has_error());
    EXPECT_EQ(node.error().kind, ErrorKind::bad_input);
    EXPECT_NE(node.error().message().find("node.yaml:10:"), std::string::npos) << node.error().message();
    EXPECT_NE(node.error().message().find("mutual_exclusion.wait_interval"), std::string::npos);
}

TEST_F(NodeConfigFile, an_advertised_0_0_0_0_is_refused) {
    const auto node = load("0.0.0.0:10010", "1s", "2s");
    ASSERT_TRUE(node.has_error());
    EXPECT_NE(node.error().message().find("node.yaml:6:"), std::string::npos) << node.error().message();
}

TEST_F(NodeConfigFile, an_unknown_key_is_refused_with_a_suggestion) {
    const auto node = load("corda-lb.region.test:10010", "1s", "2s", "share_timout: 2s\n");
    ASSERT_TRUE(node.has_error());
    EXPECT_NE(node.error().message().find("share_timeout"), std::string::npos) << node.error().message();
}

}  // namespace
}  // namespace understudy::node
