// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "tests/integration/sim_node/harness.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::node {
namespace {

using Failover = NodeTest;

TEST_F(Failover, the_backup_takes_over_only_after_the_wait_interval_and_no_payment_is_lost) {
    start_network_map();
    auto payee = node({.party = "b", .share = "b", .exclusive = false});
    auto primary = node({.machine = "primary"});
    ASSERT_TRUE(payee->wait_for("ready"));
    ASSERT_TRUE(primary->wait_for("ready"));
    auto backup = node({.machine = "backup"});
    ASSERT_TRUE(backup->wait_for("lease_refused"));
    EXPECT_EQ(backup->wait_for_exit(), 1) << "the loser sleeps and ends";
    EXPECT_FALSE(backup->saw("active"));
    EXPECT_FALSE(backup->saw("journal_locked"));

    auto payer = client("50");
    ASSERT_TRUE(test::eventually([&] { return payer->events("attempt").size() > 20; }));
    primary->kill();
    int restarts = 0;
    ASSERT_TRUE(test::eventually([&] {  // what the host's agent does
        if (backup->exit_status()) {
            backup = node({.machine = "backup"});
            ++restarts;
        }
        return backup->saw("active");
    }));
    const auto taken = backup->events("lease_taken");
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(std::get<bool>(taken[0].attributes.at("took_over")), true);
    EXPECT_EQ(string_attribute(taken[0], "previous_holder"), "/opt/node/primary");
    EXPECT_GT(*integer_attribute(taken[0], "previous_age_ms"), 400);

    const std::size_t attempts = payer->events("attempt").size();
    ASSERT_TRUE(test::eventually([&] { return payer->events("attempt").size() > attempts + 20; }));
    payer->signal(SIGTERM);
    ASSERT_EQ(payer->wait_for_exit(), 0);
    const auto record = client_record_from_lines(record_text());
    ASSERT_TRUE(record.has_value());
    EXPECT_GT(record->acknowledged.size(), 30u);
    EXPECT_EQ(record->acknowledged, record->attempted) << "the client drained";
    const PaymentVerdict found = verdict(*record);
    EXPECT_TRUE(found.lost.empty());
    EXPECT_TRUE(found.duplicated.empty());
    const auto published = map_->events("entry_published");
    int changed = 0;
    for (const Event& event : published) changed += std::get<bool>(event.attributes.at("changed"));
    EXPECT_EQ(changed, 2) << "one entry a party: a failover leaves the map as it is";
}

TEST_F(Failover, two_nodes_started_at_the_same_instant_leave_one_active) {
    start_network_map();
    auto primary = node({.machine = "primary"});
    auto backup = node({.machine = "backup"});
    ASSERT_TRUE(test::eventually([&] { return primary->saw("active") || backup->saw("active"); }));
    Process& loser = primary->saw("active") ? *backup : *primary;
    Process& winner = primary->saw("active") ? *primary : *backup;
    EXPECT_EQ(loser.wait_for_exit(), 1);
    EXPECT_TRUE(loser.saw("lease_refused"));
    EXPECT_FALSE(loser.saw("active"));
    EXPECT_FALSE(winner.exit_status());
    EXPECT_TRUE(winner.wait_for("lease_renewed"));
}

TEST_F(Failover, a_stopped_node_leaves_its_row_and_frees_the_journal) {
    start_network_map();
    auto primary = node({.machine = "primary"});
    ASSERT_TRUE(primary->wait_for("ready"));
    primary->signal(SIGTERM);
    EXPECT_EQ(primary->wait_for_exit(), 0);
    EXPECT_EQ(string_attribute(primary->events("stopped").at(0), "reason"), "SIGTERM");
    auto again = node({.machine = "primary"});
    ASSERT_TRUE(again->wait_for("ready"));
    const auto taken = again->events("lease_taken");
    EXPECT_EQ(string_attribute(taken.at(0), "previous_holder"), "/opt/node/primary");
    EXPECT_FALSE(again->saw("journal_waiting"));
}

TEST_F(Failover, a_node_waits_for_the_journal_lock_with_its_ports_closed) {
    start_network_map();
    auto first = node({.machine = "first", .exclusive = false});
    ASSERT_TRUE(first->wait_for("ready"));
    auto second = node({.machine = "second", .exclusive = false});
    ASSERT_TRUE(second->wait_for("journal_waiting"));
    EXPECT_FALSE(second->saw("active"));
    first->kill();
    EXPECT_TRUE(second->wait_for("active"));
}

}  // namespace
}  // namespace understudy::node
