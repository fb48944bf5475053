// SPDX-License-Identifier: Apache-2.0
// What a node does when it loses what it needs: the database, the lease, the journal.
#include <signal.h>

#include <fstream>

#include "tests/integration/sim_node/harness.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/paths.hpp"

namespace understudy::node {
namespace {

using Loss = NodeTest;

std::string stop_reason(Process& process) {
    const auto stopped = process.events("stopped");
    return stopped.empty() ? "" : string_attribute(stopped.front(), "reason").value_or("");
}

TEST_F(Loss, a_database_that_is_gone_ends_the_node) {
    start_network_map();
    auto primary = node({});
    ASSERT_TRUE(primary->wait_for("ready"));
    kill_database();
    EXPECT_EQ(primary->wait_for_exit(), 1);
    EXPECT_TRUE(test::eventually([&] { return !stop_reason(*primary).empty(); }));
    EXPECT_NE(stop_reason(*primary).find("database connection lost"), std::string::npos)
        << stop_reason(*primary);
    EXPECT_FALSE(port_is_open(ports_["a"].rpc));
}

TEST_F(Loss, a_database_that_answers_no_more_ends_the_node_before_another_may_take_over) {
    start_network_map();
    auto primary = node({.update = "1s", .wait = "3s"});
    ASSERT_TRUE(primary->wait_for("lease_renewed"));
    for (const pid_t backend : database_backends()) ::kill(backend, SIGSTOP);
    EXPECT_EQ(primary->wait_for_exit(), 1);
    EXPECT_TRUE(test::eventually([&] { return !stop_reason(*primary).empty(); }));
    EXPECT_EQ(stop_reason(*primary), "no renewal was confirmed for 2s");
}

TEST_F(Loss, a_row_taken_by_another_ends_the_node) {
    start_network_map();
    auto primary = node({});
    ASSERT_TRUE(primary->wait_for("ready"));
    auto connection = Connection::open({"127.0.0.1", database_port_, "party_a", "postgres", "secret", 2s});
    ASSERT_TRUE(connection.has_value());
    ASSERT_TRUE(connection->query("UPDATE node_mutual_exclusion SET machine_name = 'intruder'").has_value());
    EXPECT_EQ(primary->wait_for_exit(), 1);
    EXPECT_TRUE(primary->wait_for("lease_lost"));
}

TEST_F(Loss, a_journal_lock_that_someone_else_has_held_ends_the_node) {
    start_network_map();
    auto primary = node({});
    ASSERT_TRUE(primary->wait_for("ready"));
    std::fstream(directory_ + "/share-a/artemis/server.lock", std::ios::in | std::ios::out | std::ios::binary)
        .seekp(3)
        .write("another owner---", 16);
    EXPECT_EQ(primary->wait_for_exit(), 1);
    EXPECT_TRUE(test::eventually([&] { return !stop_reason(*primary).empty(); }));
    EXPECT_EQ(stop_reason(*primary).rfind("journal lost", 0), 0u) << stop_reason(*primary);
}

TEST_F(Loss, a_node_without_its_share_leaves_the_lease_alone) {
    start_network_map();
    auto primary = node({.share = "missing/deeper"});
    EXPECT_EQ(primary->wait_for_exit(), 1);
    EXPECT_FALSE(primary->saw("lease_taken"));
}

TEST_F(Loss, an_entry_that_is_not_public_is_refused_and_ends_the_node) {
    map_port_ = free_port();
    std::ofstream(directory_ + "/map.yaml")
        << "listen: 127.0.0.1:" << map_port_ << "\npublic_networks: [203.0.113.0/24]\n";
    map_ = std::make_unique<Process>(std::vector<std::string>{test::program("understudy-node"), "network-map",
                                                              "--config", directory_ + "/map.yaml"});
    ASSERT_TRUE(map_->wait_for("ready"));
    auto primary = node({});
    EXPECT_EQ(primary->wait_for_exit(), 2);
    EXPECT_TRUE(map_->wait_for("entry_refused"));
    EXPECT_FALSE(primary->saw("active"));
}

}  // namespace
}  // namespace understudy::node
