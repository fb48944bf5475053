// SPDX-License-Identifier: Apache-2.0
// The faults of understudy-db, as its clients meet them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ctime>
#include <future>

#include "base/io/unique_fd.hpp"
#include "tests/integration/storage_database/database.hpp"

namespace understudy::test {
namespace {

class DatabaseFaults : public Database {
  protected:
    void SetUp() override {
        Database::SetUp();
        client_ = connect();
        run(client_, "CREATE TABLE t (id bigint PRIMARY KEY)");
    }
    void TearDown() override {
        client_.reset();
        Database::TearDown();
    }
    void apply(std::vector<std::string> words) {
        words.insert(words.begin(), "fault");
        words.push_back("id=F");
        const Outcome outcome = admin(words);
        ASSERT_EQ(outcome.status, 0) << outcome.err;
    }
    void heal() {
        const Outcome outcome = admin({"heal", "F"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
    }
    static bool has_answer(const Client& client) {
        pollfd waits{PQsocket(client.get()), POLLIN, 0};
        return ::poll(&waits, 1, 0) == 1;
    }
    double database_clock() const { return std::stod(value(client_, "SELECT extract(epoch FROM now())")); }

    Client client_;
};

TEST_F(DatabaseFaults, frozen_it_takes_no_connection_and_answers_nothing_until_it_is_healed) {
    apply({"freeze"});
    EXPECT_TRUE(state().at("frozen").as_bool());
    ASSERT_EQ(PQsendQuery(client_.get(), "INSERT INTO t VALUES (1)"), 1);
    // libpq gives up after its connect_timeout: so long the query has had no answer either.
    const Client late(PQconnectdb((where("secret") + " connect_timeout=2").c_str()));
    EXPECT_NE(std::string(PQerrorMessage(late.get())).find("timeout expired"), std::string::npos)
        << PQerrorMessage(late.get());
    EXPECT_FALSE(has_answer(client_));
    heal();
    EXPECT_EQ(tag(Answer(PQgetResult(client_.get()))), "INSERT 0 1");
    EXPECT_EQ(PQgetResult(client_.get()), nullptr);
    EXPECT_EQ(value(connect(), "SELECT id FROM t"), "1");
}

TEST_F(DatabaseFaults, frozen_it_ends_in_order_all_the_same_and_waits_for_no_administrator) {
    const io::UniqueFd silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    (directory_ + "/admin").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::connect(silent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    apply({"freeze"});
    ASSERT_EQ(PQsendQuery(client_.get(), "SELECT 1"), 1);
    const auto told = std::chrono::steady_clock::now();
    EXPECT_EQ(stop(SIGTERM), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - told, std::chrono::seconds(10));
}

TEST_F(DatabaseFaults, a_transaction_that_was_open_when_it_froze_commits_when_it_is_healed) {
    run(client_, "BEGIN");
    run(client_, "INSERT INTO t VALUES (1)");
    apply({"freeze"});
    ASSERT_EQ(PQsendQuery(client_.get(), "COMMIT"), 1);
    const Client other(PQconnectdb((where("secret") + " connect_timeout=2").c_str()));
    EXPECT_NE(PQstatus(other.get()), CONNECTION_OK);
    EXPECT_FALSE(has_answer(client_));
    heal();
    EXPECT_EQ(tag(Answer(PQgetResult(client_.get()))), "COMMIT");
    EXPECT_EQ(value(connect(), "SELECT count(*) FROM t"), "1");
}

TEST_F(DatabaseFaults, it_refuses_new_connections_with_57p03_and_serves_those_it_has) {
    apply({"refuse"});
    const auto refused = connect();
    EXPECT_NE(std::string(PQerrorMessage(refused.get()))
                  .find("FATAL:  the database system is not accepting connections"),
              std::string::npos)
        << PQerrorMessage(refused.get());
    EXPECT_EQ(PQping(where("secret").c_str()), PQPING_REJECT);  // what libpq makes of 57P03
    const auto befell = state().at("faults").as_array().at(0).as_object().at("befell").to_number<int>();
    EXPECT_GE(befell, 2);
    EXPECT_THAT(admin({"metrics"}).out, ::testing::HasSubstr(fmt::format(
                                            "understudy_db_connections_refused_total{{}} {}\n", befell)));
    EXPECT_EQ(tag(run(client_, "INSERT INTO t VALUES (1)")), "INSERT 0 1");
    heal();
    EXPECT_EQ(value(connect(), "SELECT count(*) FROM t"), "1");
}

TEST_F(DatabaseFaults, a_slow_commit_waits_for_its_time_or_for_the_fault_to_be_healed) {
    apply({"slow-commits", "latency=300ms"});
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(tag(run(client_, "INSERT INTO t VALUES (1)")), "INSERT 0 1");
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(300));
    heal();
    apply({"slow-commits", "latency=10h"});
    EXPECT_EQ(value(client_, "SELECT count(*) FROM t"), "1");  // nothing to make durable
    run(client_, "BEGIN");
    run(client_, "INSERT INTO t VALUES (3)");
    EXPECT_EQ(tag(run(client_, "ROLLBACK")), "ROLLBACK");
    ASSERT_EQ(PQsendQuery(client_.get(), "INSERT INTO t VALUES (2)"), 1);
    EXPECT_TRUE(comes_true("the commit waits",
                           [this] { return state().at("commits_waiting").to_number<int>() == 1; }));
    EXPECT_EQ(value(connect(), "SELECT count(*) FROM t"), "1") << "not committed, not seen";
    EXPECT_FALSE(has_answer(client_));
    heal();
    EXPECT_EQ(tag(Answer(PQgetResult(client_.get()))), "INSERT 0 1");
    EXPECT_EQ(value(connect(), "SELECT count(*) FROM t"), "2");
}

TEST_F(DatabaseFaults, read_only_it_refuses_a_transactions_first_write_with_25006) {
    const auto writer = connect();
    run(writer, "BEGIN");
    run(writer, "INSERT INTO t VALUES (1)");
    apply({"read-only"});
    EXPECT_EQ(state_of(run(client_, "INSERT INTO t VALUES (2)")), "25006");
    EXPECT_EQ(state_of(run(client_, "CREATE TABLE u (id bigint)")), "25006");
    EXPECT_EQ(state_of(run(client_, "SELECT * FROM t FOR UPDATE")), "25006");
    EXPECT_EQ(tag(run(writer, "INSERT INTO t VALUES (3)")), "INSERT 0 1");
    EXPECT_EQ(tag(run(writer, "COMMIT")), "COMMIT");
    EXPECT_EQ(value(client_, "SELECT count(*) FROM t"), "2");
    heal();
    EXPECT_EQ(tag(run(client_, "INSERT INTO t VALUES (2)")), "INSERT 0 1");
}

TEST_F(DatabaseFaults, with_a_full_disk_what_adds_fails_with_53100_and_what_frees_passes) {
    run(client_, "INSERT INTO t VALUES (1)");
    apply({"disk-full"});
    run(client_, "BEGIN");
    EXPECT_EQ(state_of(run(client_, "INSERT INTO t VALUES (2)")), "53100");
    EXPECT_EQ(state_of(run(client_, "SELECT 1")), "25P02");
    EXPECT_EQ(tag(run(client_, "COMMIT")), "ROLLBACK");
    EXPECT_EQ(state_of(run(client_, "UPDATE t SET id = 5")), "53100");
    EXPECT_EQ(state_of(run(client_, "CREATE TABLE u (id bigint)")), "53100");
    EXPECT_EQ(tag(run(client_, "DELETE FROM t")), "DELETE 1");
    EXPECT_EQ(value(client_, "SELECT count(*) FROM t"), "0");
    heal();
    EXPECT_EQ(tag(run(client_, "INSERT INTO t VALUES (2)")), "INSERT 0 1");
}

TEST_F(DatabaseFaults, a_clock_step_moves_now_and_healing_moves_it_back) {
    const auto off = [this] { return database_clock() - static_cast<double>(std::time(nullptr)); };
    EXPECT_NEAR(off(), 0, 60);
    apply({"clock-step", "step=-1h"});
    EXPECT_NEAR(off(), -3600, 60);
    EXPECT_EQ(state().at("clock_step_ms"), -3'600'000);
    EXPECT_EQ(admin({"fault", "clock-step", "step=+3h"}).status, 0);
    EXPECT_NEAR(off(), 2 * 3600, 60);
    heal();
    EXPECT_NEAR(off(), 3 * 3600, 60);
}

TEST_F(DatabaseFaults, a_fault_with_a_time_heals_itself_and_both_are_events) {
    apply({"read-only", "for=200ms"});
    EXPECT_TRUE(comes_true("healed", [this] { return state().at("faults").as_array().empty(); }));
    EXPECT_EQ(tag(run(client_, "INSERT INTO t VALUES (2)")), "INSERT 0 1");
    ASSERT_EQ(events("fault").size(), 1U);
    EXPECT_EQ(events("fault").front().at("kind"), "db-read-only");
    ASSERT_EQ(events("heal").size(), 1U);
    EXPECT_EQ(events("heal").front().at("id"), "F");
}

TEST_F(DatabaseFaults, what_is_no_fault_is_refused_with_the_reason) {
    const Outcome unknown = admin({"fault", "melt"});
    EXPECT_EQ(unknown.status, 2);
    EXPECT_NE(unknown.err.find("no such fault; use "), std::string::npos) << unknown.err;
    EXPECT_EQ(admin({"fault", "slow-commits"}).status, 2);
    apply({"refuse"});
    const Outcome twice = admin({"fault", "freeze", "id=F"});
    EXPECT_EQ(twice.status, 2);
    EXPECT_NE(twice.err.find("a fault of that id is in force"), std::string::npos) << twice.err;
    EXPECT_NE(admin({"heal", "G"}).status, 0);
    EXPECT_EQ(admin({"state", "now"}).status, 2);
}

}  // namespace
}  // namespace understudy::test
