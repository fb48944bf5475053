// SPDX-License-Identifier: Apache-2.0
// understudy-db as a process, on loopback, with libpq as its client.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/integration/storage_database/database.hpp"

namespace understudy::test {
namespace {

TEST_F(Database, a_wrong_password_is_refused_and_a_right_one_serves_prepared_statements) {
    EXPECT_NE(std::string(PQerrorMessage(connect("wrong").get())).find("password authentication failed"),
              std::string::npos);
    const auto client = connect();
    ASSERT_EQ(PQstatus(client.get()), CONNECTION_OK) << PQerrorMessage(client.get());
    EXPECT_EQ(tag(run(client, "CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL, on_time boolean)")),
              "CREATE TABLE");
    EXPECT_EQ(tag(run(client, "INSERT INTO t VALUES ($1, $2, $3::boolean)", {"1", "x", "true"})),
              "INSERT 0 1");
    Answer(PQprepare(client.get(), "s", "SELECT id, name, on_time FROM t WHERE id = $1", 1, nullptr));
    const char* values[] = {"1"};
    for (int i = 0; i < 3; ++i) {
        const Answer answer(PQexecPrepared(client.get(), "s", 1, values, nullptr, nullptr, 0));
        ASSERT_EQ(PQntuples(answer.get()), 1) << PQerrorMessage(client.get());
        EXPECT_EQ(PQftype(answer.get(), 0), 20u);
        EXPECT_STREQ(PQgetvalue(answer.get(), 0, 2), "t");
    }
    EXPECT_EQ(state_of(run(client, "INSERT INTO t VALUES (1, 'y', NULL)")), "23505");
    EXPECT_EQ(state_of(run(client, "INSERT INTO t VALUES (2, NULL, NULL)")), "23502");
    EXPECT_EQ(state_of(run(client, "SELECT 1 FROM missing")), "42P01");
    EXPECT_EQ(state_of(run(client, "SELECT missing FROM t")), "42703");
    EXPECT_EQ(state_of(run(client, "INSERT INTO t VALUES (3, 'z', NULL); SELECT nope")), "42703");
    EXPECT_EQ(tag(run(client, "SELECT id FROM t WHERE id = 3")), "SELECT 0")
        << "the group is one transaction";
    run(client, "BEGIN");
    run(client, "UPDATE t SET name = 'lost'");
    EXPECT_EQ(state_of(run(client, "SELECT nope")), "42703");
    EXPECT_EQ(state_of(run(client, "SELECT 1")), "25P02");
    EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INERROR);
    EXPECT_EQ(tag(run(client, "COMMIT")), "ROLLBACK");
    EXPECT_EQ(tag(run(client, "SELECT id FROM t WHERE name = 'lost'")), "SELECT 0");
}

TEST_F(Database, of_two_contenders_for_a_version_exactly_one_wins_each_round) {
    const auto setup = connect();
    run(setup,
        "CREATE TABLE m (id integer PRIMARY KEY, version bigint NOT NULL); INSERT INTO m VALUES (1, 0)");
    constexpr int rounds = 200;
    std::atomic<int> wins[rounds] = {};
    const auto contend = [&] {
        const auto client = connect();
        for (int round = 0; round < rounds; ++round) {
            const std::string version = std::to_string(round);
            if (tag(run(client, "UPDATE m SET version = version + 1 WHERE id = 1 AND version = $1",
                        {version.c_str()})) == "UPDATE 1")
                ++wins[round];
        }
    };
    std::thread first(contend), second(contend);
    first.join();
    second.join();
    for (int round = 0; round < rounds; ++round) EXPECT_EQ(wins[round], 1) << round;
}

TEST_F(Database, every_acknowledged_row_outlives_a_kill_under_load_from_twenty_writers) {
    run(connect(), "CREATE TABLE p (id bigint PRIMARY KEY)");
    std::atomic<int> acknowledged_count = 0, early_failures = 0;
    std::atomic<bool> killed = false;
    std::vector<std::vector<int>> acknowledged(20);
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 20; ++writer)
        writers.emplace_back([&, writer] {
            const auto client = connect();
            for (int i = 0; i < 100'000; ++i) {
                const int id = writer * 100'000 + i;
                if (tag(run(client, fmt::format("INSERT INTO p VALUES ({})", id))) != "INSERT 0 1") {
                    if (!killed) ++early_failures;
                    return;
                }
                acknowledged[static_cast<std::size_t>(writer)].push_back(id);
                ++acknowledged_count;
            }
        });
    for (int i = 0; i < 3000 && acknowledged_count < 500; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    killed = true;
    stop(SIGKILL);
    for (auto& writer : writers) writer.join();
    EXPECT_EQ(early_failures, 0);
    EXPECT_GE(acknowledged_count, 500);
    start();
    const auto client = connect();
    for (const auto& ids : acknowledged)
        for (const int id : ids)
            ASSERT_EQ(tag(run(client, fmt::format("SELECT id FROM p WHERE id = {}", id))), "SELECT 1") << id;
    EXPECT_EQ(integrity(), "ok");
}

TEST_F(Database, a_file_that_is_served_is_opened_by_no_other_program) {
    run(connect(), "CREATE TABLE t (a int)");
    sqlite3* file = nullptr;
    sqlite3_open((directory_ + "/db.sqlite").c_str(), &file);
    EXPECT_EQ(sqlite3_exec(file, "SELECT * FROM t", nullptr, nullptr, nullptr), SQLITE_BUSY);
    sqlite3_close(file);
    EXPECT_EQ(stop(SIGTERM), 0);
    sqlite3_open((directory_ + "/db.sqlite").c_str(), &file);
    EXPECT_EQ(sqlite3_exec(file, "SELECT * FROM t", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(file);
}

TEST_F(Database, garbage_ends_only_its_own_connection_and_a_taken_port_is_exit_status_3) {
    const auto client = connect();
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    char answer[256] = {};
    EXPECT_GT(::recv(fd, answer, sizeof answer, 0), 0);
    EXPECT_EQ(answer[0], 'E');
    ::close(fd);
    EXPECT_EQ(tag(run(client, "SELECT 1")), "SELECT 1");
    const pid_t second = spawn();
    int status = 0;
    ::waitpid(second, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 3);
}

}  // namespace
}  // namespace understudy::test
