// SPDX-License-Identifier: Apache-2.0
// What happens between sessions, on both engines: contenders, lost updates, snapshots, crowds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/conformance/database/servers.hpp"

namespace understudy::test {
namespace {

class Sessions : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        if (GetParam() == "postgresql" && !PostgresServer::installed())
            GTEST_SKIP() << "no PostgreSQL server here (Debian: postgresql-15)";
        server_ = server_of(GetParam());
    }
    Client connect() const { return server_->connect(); }
    std::string tag(const Client& client, const std::string& sql) const {
        return outcome_of(server_->run(client, sql));
    }
    std::string value(const Client& client, const std::string& sql) const {
        return server_->value(client, sql);
    }

    std::unique_ptr<DatabaseServer> server_;
};

TEST_P(Sessions, of_two_contenders_for_a_row_exactly_one_wins_a_thousand_times) {
    const auto setup = connect();
    tag(setup, "create table lease (id int primary key, holder text, version bigint not null)");
    tag(setup, "insert into lease values (1, null, 0)");
    constexpr int rounds = 1'000;
    std::vector<std::atomic<int>> wins(rounds);
    std::atomic<int> arrived[2] = {};
    const auto contend = [&](int which) {
        const auto client = connect();
        for (int round = 0; round < rounds; ++round) {
            arrived[which] = round + 1;
            while (arrived[1 - which] < round + 1) std::this_thread::yield();
            if (tag(client,
                    fmt::format("update lease set holder = '{}', version = version + 1 where id = 1 and "
                                "version = {}",
                                which, round)) == "UPDATE 1")
                ++wins[static_cast<std::size_t>(round)];
            arrived[which] = round + 1;
            // Both go on when the version has.
            while (value(client, "select version from lease") != std::to_string(round + 1))
                std::this_thread::yield();
        }
        arrived[which] = rounds + 1;
    };
    std::thread first(contend, 0), second(contend, 1);
    first.join();
    second.join();
    for (int round = 0; round < rounds; ++round) ASSERT_EQ(wins[static_cast<std::size_t>(round)], 1) << round;
}

TEST_P(Sessions, a_row_read_for_update_is_not_lost) {
    const auto setup = connect();
    tag(setup, "create table counter (n int)");
    tag(setup, "insert into counter values (0)");
    constexpr int each = 100;
    const auto add = [&] {
        const auto client = connect();
        for (int i = 0; i < each; ++i) {
            tag(client, "begin");
            const std::string before = value(client, "select n from counter for update");
            EXPECT_EQ(tag(client, fmt::format("update counter set n = {} + 1", before)), "UPDATE 1");
            EXPECT_EQ(tag(client, "commit"), "COMMIT");
        }
    };
    std::thread first(add), second(add), third(add);
    first.join();
    second.join();
    third.join();
    EXPECT_EQ(value(setup, "select n from counter"), std::to_string(3 * each));
}

TEST_P(Sessions, a_read_committed_transaction_sees_what_others_commit) {
    const auto one = connect(), two = connect();
    tag(one, "create table t (n int)");
    tag(one, "insert into t values (1)");
    tag(two, "begin");
    EXPECT_EQ(value(two, "select n from t"), "1");
    EXPECT_EQ(tag(one, "update t set n = 2"), "UPDATE 1") << "a reader holds nobody up";
    EXPECT_EQ(value(two, "select n from t"), "2");
    EXPECT_EQ(tag(two, "update t set n = n + 1"), "UPDATE 1");
    EXPECT_EQ(value(one, "select n from t"), "2") << "nor does who writes hold up who reads";
    EXPECT_EQ(tag(two, "commit"), "COMMIT");
    EXPECT_EQ(value(one, "select n from t"), "3");
}

TEST_P(Sessions, a_repeatable_read_transaction_keeps_its_snapshot_and_cannot_write_on_an_old_one) {
    const auto one = connect(), two = connect();
    tag(one, "create table t (n int)");
    tag(one, "insert into t values (1)");
    tag(two, "begin isolation level repeatable read");
    EXPECT_EQ(value(two, "select n from t"), "1");
    EXPECT_EQ(tag(one, "update t set n = 2"), "UPDATE 1");
    EXPECT_EQ(value(two, "select n from t"), "1");
    EXPECT_EQ(tag(two, "update t set n = n + 1"), "40001");
    EXPECT_EQ(tag(two, "select 1"), "25P02");
    EXPECT_EQ(tag(two, "commit"), "ROLLBACK");
    EXPECT_EQ(value(two, "select n from t"), "2");
}

TEST_P(Sessions, write_skew_is_prevented_in_serializable) {
    const auto one = connect(), two = connect();
    tag(one, "create table doctor (id int primary key, on_call boolean)");
    tag(one, "insert into doctor values (1, true), (2, true)");
    for (const auto* client : {&one, &two}) {
        tag(*client, "begin isolation level serializable");
        EXPECT_EQ(value(*client, "select count(*) from doctor where on_call"), "2");
    }
    // PostgreSQL lets both write and fails one at its commit; ours fails the second when it writes.
    std::vector<std::string> outcomes;
    EXPECT_EQ(tag(one, "update doctor set on_call = false where id = 1"), "UPDATE 1");
    if (GetParam() == "postgresql")
        outcomes.push_back(tag(two, "update doctor set on_call = false where id = 2"));
    outcomes.push_back(tag(one, "commit"));
    if (GetParam() != "postgresql")
        outcomes.push_back(tag(two, "update doctor set on_call = false where id = 2"));
    outcomes.push_back(tag(two, "commit"));
    EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "40001"), 1)
        << fmt::format("{}", fmt::join(outcomes, ", "));
    EXPECT_EQ(value(connect(), "select count(*) from doctor where on_call"), "1");
}

TEST_P(Sessions, two_hundred_connections_all_write) {
    const auto setup = connect();
    tag(setup, "create table t (id int primary key)");
    std::vector<Client> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(connect());
        ASSERT_EQ(PQstatus(clients.back().get()), CONNECTION_OK)
            << i << ": " << PQerrorMessage(clients.back().get());
    }
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(PQsendQuery(clients[static_cast<std::size_t>(i)].get(),
                              fmt::format("insert into t values ({})", i).c_str()),
                  1);
    for (auto& client : clients) {
        const Answer answer(PQgetResult(client.get()));
        EXPECT_STREQ(PQcmdStatus(answer.get()), "INSERT 0 1") << PQresultErrorMessage(answer.get());
    }
    EXPECT_EQ(value(setup, "select count(*) from t"), "200");
}

TEST_P(Sessions, a_client_that_stops_reading_holds_up_nobody) {
    const auto setup = connect();
    tag(setup, "create table t (id int)");
    const auto stuck = connect();
    ASSERT_EQ(PQsendQuery(stuck.get(), "select repeat('x', 1000) from generate_series(1, 200000)"), 1);
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(tag(setup, fmt::format("insert into t values ({})", i)), "INSERT 0 1");
}

TEST_P(Sessions, a_cursor_shows_what_was_there_when_it_began) {
    const auto client = connect();
    tag(client, "create table t as select g as id from generate_series(1, 100) g");
    tag(client, "begin");
    Answer(PQprepare(client.get(), "", "select id from t order by id", 0, nullptr));
    // libpq has no row limit, so single-row mode stands for reading slowly: the rows are those of the
    // beginning.
    ASSERT_EQ(PQsendQueryPrepared(client.get(), "", 0, nullptr, nullptr, nullptr, 0), 1);
    ASSERT_EQ(PQsetSingleRowMode(client.get()), 1);
    int rows = 0;
    while (const Answer answer{PQgetResult(client.get())})
        rows += PQresultStatus(answer.get()) == PGRES_SINGLE_TUPLE;
    EXPECT_EQ(rows, 100);
    EXPECT_EQ(tag(client, "commit"), "COMMIT");
}

TEST_P(Sessions, a_statement_can_be_canceled_from_outside) {
    const auto client = connect();
    EXPECT_EQ(canceled(client, "select pg_sleep(60)"), "57014");
    EXPECT_EQ(value(client, "select 1"), "1");
}

INSTANTIATE_TEST_SUITE_P(Engines, Sessions, testing::Values("understudy", "postgresql"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace understudy::test
