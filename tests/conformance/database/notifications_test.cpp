// SPDX-License-Identifier: Apache-2.0
// LISTEN, NOTIFY and UNLISTEN, on both engines.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/conformance/database/shared_server.hpp"

namespace understudy::test {
namespace {

class Notifications : public SharedServer {
  protected:
    void SetUp() override {
        SharedServer::SetUp();
        if (IsSkipped()) return;
        one_ = server().connect();
        two_ = server().connect();
    }
    std::string run(const Client& client, const std::string& sql) {
        return outcome_of(server().run(client, sql));
    }
    // What has come by now: "channel:payload", and a star where it is the session's own.
    static std::string came(const Client& client) {
        std::string text;
        PQconsumeInput(client.get());
        while (PGnotify* notification = PQnotifies(client.get())) {
            text +=
                fmt::format("{}{}:{}{}", text.empty() ? "" : " ", notification->relname, notification->extra,
                            notification->be_pid == PQbackendPID(client.get()) ? "*" : "");
            PQfreemem(notification);
        }
        return text;
    }
    static std::string comes(const Client& client) {
        std::string text = came(client);
        for (pollfd ready{PQsocket(client.get()), POLLIN, 0}; text.empty() && ::poll(&ready, 1, 10'000) == 1;)
            text = came(client);
        return text;
    }

    Client one_, two_;
};

TEST_P(Notifications, come_at_commit_to_everyone_who_listens_also_the_sender) {
    EXPECT_EQ(run(one_, "listen a"), "LISTEN");
    EXPECT_EQ(run(two_, "listen a; listen b"), "LISTEN");
    EXPECT_EQ(run(one_, "begin; notify a, 'first'; notify b; notify c, 'nobody'"), "NOTIFY");
    EXPECT_EQ(run(one_, "notify a, 'first'; notify a, 'second'; notify A, 'first'"), "NOTIFY");
    EXPECT_EQ(came(one_), "");
    EXPECT_EQ(run(two_, "select 1"), "SELECT 1");
    EXPECT_EQ(came(two_), "") << "nothing is committed yet";
    EXPECT_EQ(run(one_, "commit"), "COMMIT");
    EXPECT_EQ(came(one_), "a:first* a:second*") << "with the answer to COMMIT";
    EXPECT_EQ(comes(two_), "a:first b: a:second") << "without being asked for";
    EXPECT_EQ(run(two_, "notify a, 'back'"), "NOTIFY");
    EXPECT_EQ(came(two_), "a:back*");
    EXPECT_EQ(comes(one_), "a:back");
}

TEST_P(Notifications, wait_while_their_listener_is_in_a_transaction) {
    run(one_, "listen a");
    EXPECT_EQ(run(one_, "begin"), "BEGIN");
    run(two_, "notify a, '1'");
    run(two_, "notify a, '2'");
    EXPECT_EQ(run(one_, "select 1"), "SELECT 1");
    EXPECT_EQ(came(one_), "");
    EXPECT_EQ(run(one_, "select nope"), "42703");
    EXPECT_EQ(came(one_), "");
    EXPECT_EQ(run(one_, "rollback"), "ROLLBACK");
    EXPECT_EQ(came(one_), "a:1 a:2");
    run(two_, "notify a, '3'");
    EXPECT_EQ(comes(one_), "a:3");
}

TEST_P(Notifications, that_are_rolled_back_are_none) {
    run(one_, "listen a");
    run(one_, "begin; notify a, 'gone'; listen later; rollback");
    run(one_, "begin; notify a, '1'; savepoint s; notify a, '2'; unlisten a");
    run(one_, "rollback to s; notify a, '3'; savepoint t; notify a, '4'; notify a, '1'; release t; commit");
    EXPECT_EQ(came(one_), "a:1* a:3* a:4*");
    EXPECT_EQ(run(one_, "notify a, 'x'; select 1 / 0"), "22012");
    EXPECT_EQ(run(one_, "begin; notify a, 'x'; select nope"), "42703");
    EXPECT_EQ(run(one_, "notify a"), "25P02");
    EXPECT_EQ(run(one_, "commit"), "ROLLBACK");
    EXPECT_EQ(run(one_, "notify later"), "NOTIFY");
    EXPECT_EQ(came(one_), "");
}

TEST_P(Notifications, end_with_unlisten_and_discard) {
    run(one_, "listen a; listen b; listen a");
    run(one_, "notify a; notify b");
    EXPECT_EQ(came(one_), "a:* b:*");
    EXPECT_EQ(run(one_, "unlisten a"), "UNLISTEN");
    run(one_, "notify a; notify b");
    EXPECT_EQ(came(one_), "b:*");
    EXPECT_EQ(run(one_, "listen a; unlisten nothing; unlisten *"), "UNLISTEN");
    run(one_, "notify a; notify b");
    EXPECT_EQ(came(one_), "");
    run(one_, "listen a");
    EXPECT_EQ(run(one_, "begin; discard all"), "25001");
    run(one_, "rollback");
    run(one_, "notify a");
    EXPECT_EQ(came(one_), "a:*");
    EXPECT_EQ(run(one_, "discard all"), "DISCARD ALL");
    run(one_, "notify a");
    EXPECT_EQ(came(one_), "");
    run(one_, "begin; listen a; notify a, 'in'; commit");
    EXPECT_EQ(came(one_), "a:in*");
    run(one_, "begin; notify a, 'out'; unlisten a; commit");
    EXPECT_EQ(came(one_), "");
}

TEST_P(Notifications, can_be_computed_and_have_bounds) {
    run(one_, "listen a");
    EXPECT_EQ(run(one_, "select pg_notify('a', 'n' || x) from generate_series(1, 3) as s(x)"), "SELECT 3");
    EXPECT_EQ(came(one_), "a:n1* a:n2* a:n3*");
    EXPECT_EQ(run(one_, "begin read only; select pg_notify('a', null); notify a, 'read only'; commit"),
              "COMMIT");
    EXPECT_EQ(came(one_), "a:* a:read only*");
    EXPECT_EQ(run(one_, "select pg_notify('', 'x')"), "22023");
    EXPECT_EQ(run(one_, "select pg_notify(null, 'x')"), "22023");
    EXPECT_EQ(run(one_, "select pg_notify(repeat('c', 64), 'x')"), "22023");
    EXPECT_EQ(run(one_, "select pg_notify('a', repeat('p', 8000))"), "22023");
    EXPECT_EQ(run(one_, "notify a, '" + std::string(8'000, 'p') + "'"), "22023");
    EXPECT_EQ(came(one_), "");
    run(one_, "listen " + std::string(63, 'c'));
    EXPECT_EQ(run(one_, "select pg_notify(repeat('c', 63), repeat('p', 7999))"), "SELECT 1");
    EXPECT_EQ(came(one_).size(), 63U + 1 + 7'999 + 1);
    EXPECT_EQ(run(one_, "listen \"A b\"; notify \"A b\""), "NOTIFY");
    EXPECT_EQ(came(one_), "A b:*");
}

TEST_P(Notifications, come_in_the_order_of_the_commits_from_many_senders) {
    run(one_, "listen a");
    run(two_, "drop table if exists n; create table n (i int); insert into n values (0)");
    const auto three = server().connect();
    std::vector<std::string> expected;
    for (int i = 1; i <= 20; ++i)
        run(i % 2 == 0 ? two_ : three,
            fmt::format("begin; update n set i = {0}; notify a, '{0}'; commit", i));
    std::string text, all;
    while (text.find("a:20") == std::string::npos) {
        const std::string more = comes(one_);
        ASSERT_FALSE(more.empty()) << text;
        text += (text.empty() ? "" : " ") + more;
    }
    for (int i = 1; i <= 20; ++i) all += fmt::format("{}a:{}", i == 1 ? "" : " ", i);
    EXPECT_EQ(text, all);
}

INSTANTIATE_TEST_SUITE_P(Engines, Notifications, testing::Values("understudy", "postgresql"),
                         [](const auto& parameter) { return parameter.param; });

TEST(NotificationsThatNobodyReads, stop_their_sender_at_a_bound) {
    OurServer server;
    const auto listener = server.connect(), sender = server.connect();
    server.run(listener, "listen a");
    server.run(listener, "begin");
    const std::string send =
        "select pg_notify('a', repeat('p', 7990) || x) from generate_series(1, 100) as s(x)";
    int sent = 0;
    for (; sent < 30; ++sent) {
        EXPECT_EQ(server.value(listener, "select 1"), "1") << "which takes nothing in a transaction";
        if (state_of(server.run(sender, send)) != "") break;
    }
    EXPECT_EQ(sent, 10);
    EXPECT_EQ(state_of(server.run(sender, send)), "54000");
    EXPECT_EQ(server.value(sender, "select 1"), "1");
    server.run(listener, "rollback");
    EXPECT_EQ(state_of(server.run(sender, send)), "") << "it has read";
}

}  // namespace
}  // namespace understudy::test
