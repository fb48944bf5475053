// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/notifications.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::database {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PendingNotifications listening_to(const std::string& channel) {
    PendingNotifications pending;
    pending.act(PendingNotifications::Listen{channel});
    return pending;
}

PendingNotifications sending(const std::string& channel, const std::string& payload) {
    PendingNotifications pending;
    pending.notify(channel, payload);
    return pending;
}

TEST(Notifications, go_to_every_session_that_listens_in_the_order_of_the_commits) {
    NotificationBoard board;
    board.commit(1, listening_to("a"));
    board.commit(2, listening_to("a"));
    board.commit(3, listening_to("b"));
    EXPECT_THAT(board.commit(1, sending("a", "x")), ElementsAre(2)) << "the sender needn't be woken";
    EXPECT_THAT(board.commit(3, sending("a", "y")), IsEmpty()) << "nor who was, and hasn't read";
    const std::vector<Notification> both = {{1, "a", "x"}, {3, "a", "y"}};
    EXPECT_EQ(board.take(1), both);
    EXPECT_EQ(board.take(2), both);
    EXPECT_THAT(board.take(2), IsEmpty());
    EXPECT_THAT(board.take(3), IsEmpty());
}

TEST(Notifications, that_are_the_same_are_sent_once_and_a_savepoint_takes_back_what_came_after_it) {
    PendingNotifications pending;
    pending.notify("a", "1");
    pending.notify("a", "1");
    pending.savepoint("s");
    pending.notify("a", "1");
    pending.notify("a", "2");
    pending.act(PendingNotifications::Listen{"a"});
    pending.roll_back_to("s");
    EXPECT_EQ(pending.sent(), (std::vector<Notification>{{0, "a", "1"}}));
    EXPECT_THAT(pending.actions(), IsEmpty());
    pending.notify("a", "2");
    EXPECT_EQ(pending.sent().size(), 2U) << "it isn't there any more";
}

TEST(Notifications, are_what_the_transaction_listens_to_at_its_end) {
    NotificationBoard board;
    auto pending = listening_to("a");
    pending.notify("a", "to itself");
    board.commit(1, pending);
    EXPECT_EQ(board.take(1).size(), 1U);
    board.commit(2, sending("a", "waits"));
    pending.clear();
    pending.notify("a", "again");
    pending.act(PendingNotifications::Unlisten{"a"});
    board.commit(1, pending);
    EXPECT_THAT(board.take(1), IsEmpty()) << "also of what had come before";
    EXPECT_FALSE(board.listening(1));
}

TEST(Notifications, have_bounds) {
    PendingNotifications pending;
    EXPECT_EQ(pending.notify("", "")->sqlstate, "22023");
    EXPECT_EQ(pending.notify(std::string(64, 'c'), "")->sqlstate, "22023");
    EXPECT_EQ(pending.notify(std::string(63, 'c'), std::string(8'000, 'p'))->sqlstate, "22023");
    EXPECT_FALSE(pending.any());
    EXPECT_FALSE(pending.notify(std::string(63, 'c'), std::string(7'999, 'p')));
    std::optional<SqlError> refused;
    for (int i = 0; i < 2'000 && !refused; ++i)
        refused = pending.notify("c", std::string(7'000, 'p') + std::to_string(i));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->sqlstate, "54000");
}

TEST(Notifications, that_nobody_reads_stop_the_sender_and_nobody_else) {
    NotificationBoard board;
    board.commit(1, listening_to("a"));
    board.commit(2, listening_to("b"));
    int sent = 0;
    for (; sent < 2'000 && !board.admit(3, sending("a", std::string(7'000, 'p'))); ++sent)
        board.commit(3, sending("a", std::string(7'000, 'p')));
    EXPECT_GT(sent, 1'000);
    EXPECT_LT(sent, 1'300);
    EXPECT_FALSE(board.admit(3, sending("b", "x")).has_value()) << "that one reads";
    board.take(1);
    EXPECT_FALSE(board.admit(3, sending("a", "x")));
    PendingNotifications many;
    for (std::size_t i = 0; i <= max_channels; ++i)
        many.act(PendingNotifications::Listen{"c" + std::to_string(i)});
    EXPECT_EQ(board.admit(4, many)->sqlstate, "54000");
    many.act(PendingNotifications::Unlisten{"c0"});
    EXPECT_FALSE(board.admit(4, many));
}

}  // namespace
}  // namespace understudy::database
