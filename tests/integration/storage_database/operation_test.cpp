// SPDX-License-Identifier: Apache-2.0
// Running understudy-db: what it counts, what it reports, and copies of its file.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>

#include "tests/integration/storage_database/database.hpp"

namespace understudy::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DatabaseOperation : public Database {
  protected:
    std::string config() const { return directory_ + "/config.yaml"; }
};

TEST_F(DatabaseOperation, metrics_count_connections_statements_commits_errors_and_waits) {
    const auto client = connect();
    run(client, "CREATE TABLE t (id bigint PRIMARY KEY)");
    run(client, "INSERT INTO t VALUES (1)");
    EXPECT_EQ(state_of(run(client, "INSERT INTO t VALUES (1)")), "23505");
    run(client, "SELECT nope");
    run(client, "SELECT id FROM t WHERE id = $1", {"1"});
    run(client, "BEGIN");
    run(client, "DELETE FROM t");
    run(client, "ROLLBACK");
    const std::string text = admin({"metrics"}).out;
    for (const char* line :
         {"understudy_db_connections{} 1\n", "understudy_db_max_connections{} 30\n",
          "understudy_db_statements_total{kind=\"insert\"} 2\n",
          "understudy_db_statements_total{kind=\"delete\"} 1\n",
          "understudy_db_statements_total{kind=\"select\"} 1\n",
          "understudy_db_errors_total{class=\"23\"} 1\n", "understudy_db_errors_total{class=\"42\"} 1\n",
          "understudy_db_commit_seconds_count{} 2\n", "understudy_db_commit_seconds_bucket{le=\"+Inf\"} 2\n",
          "understudy_db_rollbacks_total{} 2\n", "understudy_db_write_wait_seconds_count{} 4\n",
          "understudy_db_write_waits_failed_total{} 0\n", "# TYPE understudy_db_commit_seconds histogram\n"})
        EXPECT_THAT(text, HasSubstr(line));
}

TEST_F(DatabaseOperation, a_slow_statement_is_told_with_its_text_cut_and_without_its_parameters) {
    const auto client = connect();
    run(client, "CREATE TABLE t (id bigint PRIMARY KEY, note text)");
    ASSERT_EQ(admin({"fault", "slow-commits", "latency=150ms"}).status, 0);
    const std::string text = "INSERT INTO t VALUES ($1, $2) -- " + std::string(1000, '*');
    run(client, text.c_str(), {"1", "a-secret-value"});
    run(client, "INSERT INTO t VALUES (2, 'x')");
    run(client, "SELECT * FROM t");
    const auto slow = events("slow_statement");
    ASSERT_EQ(slow.size(), 2U);
    const std::string statement(slow.front().at("statement").as_string());
    EXPECT_THAT(statement, HasSubstr("INSERT INTO t VALUES ($1, $2) -- ***"));
    EXPECT_LE(statement.size(), 503U);
    EXPECT_GE(slow.front().at("duration_ms").to_number<int>(), 150);
    EXPECT_EQ(slow.back().at("statement"), "INSERT INTO t VALUES (2, 'x')");
    EXPECT_EQ(slow.back().at("user"), "a");
    for (const auto& event : slow)
        EXPECT_THAT(std::string(event.at("statement").as_string()), Not(HasSubstr("a-secret-value")));
}

TEST_F(DatabaseOperation, reads_and_writes_of_the_lease_are_events_with_its_holder_and_version) {
    const auto client = connect();
    run(client,
        "CREATE TABLE node_mutual_exclusion (mutual_exclusion_id text PRIMARY KEY, machine_name text NOT "
        "NULL, "
        "pid text NOT NULL, mutual_exclusion_timestamp timestamptz NOT NULL, version bigint NOT NULL)");
    run(client, "INSERT INTO node_mutual_exclusion VALUES ('X', 'primary', '17', now(), 0)");
    run(client, "BEGIN");
    run(client, "UPDATE node_mutual_exclusion SET version = 5");
    run(client, "ROLLBACK");
    run(client, "UPDATE node_mutual_exclusion SET machine_name = 'backup', version = version + 1");
    run(client, "SELECT version, machine_name FROM node_mutual_exclusion");
    run(client, "SELECT version FROM node_mutual_exclusion WHERE machine_name = 'nobody'");
    run(client, "BEGIN");
    run(client, "UPDATE node_mutual_exclusion SET version = 2");
    run(client, "SAVEPOINT s");
    run(client, "SELECT nope");
    run(client, "ROLLBACK TO s");
    run(client, "COMMIT");
    run(client, "BEGIN");
    run(client, "SAVEPOINT s");
    run(client, "UPDATE node_mutual_exclusion SET version = 9");
    run(client, "ROLLBACK TO s");
    run(client, "COMMIT");
    run(client, "DELETE FROM node_mutual_exclusion");
    const auto written = events("lease_written");
    ASSERT_EQ(written.size(), 4U) << "what is rolled back isn't written";
    EXPECT_EQ(written.at(0).at("machine_name"), "primary");
    EXPECT_EQ(written.at(0).at("version"), 0);
    EXPECT_EQ(written.at(1).at("machine_name"), "backup");
    EXPECT_EQ(written.at(1).at("version"), 1);
    EXPECT_EQ(written.at(1).at("user"), "a");
    EXPECT_EQ(written.at(2).at("version"), 2) << "an error after a savepoint takes nothing before it back";
    EXPECT_FALSE(written.at(3).contains("version")) << "no row is left";
    const auto read = events("lease_read");
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read.at(0).at("machine_name"), "backup");
    EXPECT_EQ(read.at(0).at("version"), 1);
    EXPECT_FALSE(read.at(1).contains("version"));
    EXPECT_THAT(admin({"metrics"}).out, HasSubstr("understudy_db_lease_writes_total{} 4\n"));
}

TEST_F(DatabaseOperation, a_copy_made_while_clients_write_is_whole_and_can_be_restored_elsewhere) {
    run(connect(), "CREATE TABLE a (id bigint PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY)");
    std::atomic<bool> done = false;
    std::atomic<int> written = 0;
    auto writer = std::async(std::launch::async, [&] {
        const auto client = connect();
        // Both or none of a copy's tables have each number.
        for (int id = 0; !done; ++id) {
            run(client, fmt::format("INSERT INTO a VALUES ({0}); INSERT INTO b VALUES ({0})", id));
            ++written;
        }
    });
    EXPECT_TRUE(comes_true("clients write", [&] { return written > 100; }));
    const std::string copy = directory_ + "/copy.sqlite";
    int least = 0, before = 0, after = 0;
    for (int round = 0; round < 5; ++round) {
        std::filesystem::remove(copy);
        least = written;
        before = written;
        const Outcome made = program_with({"--config", config(), "--backup", copy});
        ASSERT_EQ(made.status, 0) << made.err;
        after = written;
    }
    EXPECT_GT(after, before) << "writers went on meanwhile";
    done = true;
    writer.get();
    struct stat status = {};
    ASSERT_EQ(::stat(copy.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const Outcome again = program_with({"--config", config(), "--backup", copy});
    EXPECT_EQ(again.status, 2);
    EXPECT_THAT(again.err, HasSubstr("is there already"));
    const Outcome over = program_with({"--config", config(), "--restore", copy});
    EXPECT_EQ(over.status, 2);
    EXPECT_THAT(over.err, HasSubstr("db.sqlite: is there already"));
    ASSERT_EQ(stop(SIGTERM), 0);
    for (const char* suffix : {"", "-wal", "-shm"})
        std::filesystem::remove(directory_ + "/db.sqlite" + suffix);
    std::ofstream(directory_ + "/text") << std::string(5000, 'x');
    const Outcome unsound = program_with({"--config", config(), "--restore", directory_ + "/text"});
    EXPECT_EQ(unsound.status, 2);
    EXPECT_THAT(unsound.err, HasSubstr("text: file is not a database"));
    const Outcome restored = program_with({"--config", config(), "--restore", copy});
    ASSERT_EQ(restored.status, 0) << restored.err;
    start();
    EXPECT_EQ(integrity(), "ok");
    const auto client = connect();
    EXPECT_GE(std::stoi(value(client, "SELECT count(*) FROM a")), least);
    EXPECT_EQ(value(client, "SELECT count(*) FROM a"), value(client, "SELECT count(*) FROM b"));
    EXPECT_EQ(value(client, "SELECT count(*) FROM a"), value(client, "SELECT max(id) + 1 FROM a"));
}

}  // namespace
}  // namespace understudy::test
