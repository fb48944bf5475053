// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/database/workload.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "sim/bench/database/servers.hpp"

namespace understudy::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Client = std::unique_ptr<PGconn, Finish>;
using Answer = std::unique_ptr<PGresult, Clear>;

Result<Client> connect(const std::string& where) {
    Client client(PQconnectdb(where.c_str()));
    if (PQstatus(client.get()) != CONNECTION_OK)
        return Error(ErrorKind::failed, "connection", PQerrorMessage(client.get()));
    return client;
}

Result<void> check(const Answer& answer) {
    const auto status = PQresultStatus(answer.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) return {};
    return Error(ErrorKind::failed, "query", PQresultErrorMessage(answer.get()));
}
Result<void> run(const Client& client, const std::string& sql) {
    return check(Answer(PQexec(client.get(), sql.c_str())));
}
Result<void> execute(const Client& client, const char* name, const std::vector<std::string>& values) {
    const char* pointers[8] = {};
    for (std::size_t i = 0; i < values.size(); ++i) pointers[i] = values[i].c_str();
    return check(Answer(
        PQexecPrepared(client.get(), name, static_cast<int>(values.size()), pointers, nullptr, nullptr, 0)));
}

struct Step {
    const char* name;
    const char* sql;
    int parameters;
};
constexpr Step reading[] = {{"read", "SELECT balance FROM account WHERE id = $1", 1}};
constexpr Step committing[] = {
    {"commit_one", "INSERT INTO history (teller, branch, account, delta, at) VALUES (1, 1, 1, $1, now())",
     1}};
// TPC-B's transaction as pgbench runs it.
constexpr Step transferring[] = {
    {"begin", "BEGIN", 0},
    {"account", "UPDATE account SET balance = balance + $1 WHERE id = $2", 2},
    {"read", "SELECT balance FROM account WHERE id = $1", 1},
    {"teller", "UPDATE teller SET balance = balance + $1 WHERE id = $2", 2},
    {"branch", "UPDATE branch SET balance = balance + $1 WHERE id = $2", 2},
    {"history", "INSERT INTO history (teller, branch, account, delta, at) VALUES ($1, $2, $3, $4, now())", 4},
    {"commit", "COMMIT", 0}};

template <std::size_t count>
Result<void> prepare(const Client& client, const Step (&steps)[count]) {
    for (const auto& step : steps)
        UNDERSTUDY_CHECK(check(Answer(PQprepare(client.get(), step.name, step.sql, 0, nullptr))));
    return {};
}

// Each client repeats `once` for so long, on a thread and connection of its own.
Result<Load> repeat(const std::string& where, int clients, double seconds,
                    const std::function<Result<void>(const Client&)>& begin,
                    const std::function<Result<void>(const Client&, std::mt19937&)>& once) {
    std::mutex mutex;
    std::vector<double> times_us;
    std::optional<Error> error;
    double longest = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i)
        threads.emplace_back([&, i] {
            std::mt19937 random(static_cast<unsigned>(i));
            std::vector<double> mine;
            const auto body = [&]() -> Result<double> {
                UNDERSTUDY_TRY(const Client client, connect(where));
                UNDERSTUDY_CHECK(begin(client));
                for (int warm = 0; warm < 20; ++warm) UNDERSTUDY_CHECK(once(client, random));
                const auto start = Clock::now();
                for (auto now = start; now - start < std::chrono::duration<double>(seconds);) {
                    UNDERSTUDY_CHECK(once(client, random));
                    const auto after = Clock::now();
                    mine.push_back(std::chrono::duration<double, std::micro>(after - now).count());
                    now = after;
                }
                return std::chrono::duration<double>(Clock::now() - start).count();
            };
            const auto took = body();
            const std::lock_guard lock(mutex);
            if (took.has_error())
                error = took.error();
            else
                longest = std::max(longest, *took);
            times_us.insert(times_us.end(), mine.begin(), mine.end());
        });
    for (auto& thread : threads) thread.join();
    if (error) return *error;
    std::sort(times_us.begin(), times_us.end());
    return Load{static_cast<double>(times_us.size()) / longest, times_us[times_us.size() / 2],
                times_us[times_us.size() * 99 / 100]};
}

}  // namespace

Result<void> fill(const std::string& where, int rows) {
    UNDERSTUDY_TRY(const Client client, connect(where));
    for (const char* sql :
         {"CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL, filler text)",
          "CREATE TABLE teller (id int PRIMARY KEY, balance bigint NOT NULL)",
          "CREATE TABLE branch (id int PRIMARY KEY, balance bigint NOT NULL)",
          "CREATE TABLE history (teller int, branch int, account int, delta int, at timestamptz)",
          "CREATE TABLE bulk (id int PRIMARY KEY, name text, price numeric(10,2), at timestamptz)",
          "INSERT INTO branch VALUES (1, 0)", "INSERT INTO teller SELECT g, 0 FROM generate_series(1, 10) g"})
        UNDERSTUDY_CHECK(run(client, sql));
    UNDERSTUDY_CHECK(run(
        client,
        fmt::format("INSERT INTO account SELECT g, 0, repeat('x', 84) FROM generate_series(1, {}) g", rows)));
    return run(client, "VACUUM ANALYZE account");
}

Result<Load> read_by_key(const std::string& where, int clients, double seconds, int rows) {
    return repeat(
        where, clients, seconds, [](const Client& client) { return prepare(client, reading); },
        [rows](const Client& client, std::mt19937& random) {
            return execute(client, "read", {std::to_string(random() % static_cast<unsigned>(rows) + 1)});
        });
}

Result<Load> commit_one(const std::string& where, double seconds) {
    return repeat(
        where, 1, seconds, [](const Client& client) { return prepare(client, committing); },
        [](const Client& client, std::mt19937& random) {
            return execute(client, "commit_one", {std::to_string(random() % 1000)});
        });
}

Result<Load> transfer(const std::string& where, int clients, double seconds, int rows) {
    return repeat(
        where, clients, seconds, [](const Client& client) { return prepare(client, transferring); },
        [rows](const Client& client, std::mt19937& random) -> Result<void> {
            const std::string account = std::to_string(random() % static_cast<unsigned>(rows) + 1);
            const std::string teller = std::to_string(random() % 10 + 1),
                              delta = std::to_string(random() % 1000);
            UNDERSTUDY_CHECK(execute(client, "begin", {}));
            UNDERSTUDY_CHECK(execute(client, "account", {delta, account}));
            UNDERSTUDY_CHECK(execute(client, "read", {account}));
            UNDERSTUDY_CHECK(execute(client, "teller", {delta, teller}));
            UNDERSTUDY_CHECK(execute(client, "branch", {delta, "1"}));
            UNDERSTUDY_CHECK(execute(client, "history", {teller, "1", account, delta}));
            return execute(client, "commit", {});
        });
}

Result<double> bulk_load(const std::string& where, int rows) {
    UNDERSTUDY_TRY(const Client client, connect(where));
    UNDERSTUDY_CHECK(run(client, "TRUNCATE bulk"));
    std::string lines;
    for (int i = 1; i <= rows; ++i)
        lines += fmt::format("{}\tname of {}\t{}.{:02}\t2026-01-01 00:00:00+00\n", i, i, i, i % 100);
    const auto start = Clock::now();
    UNDERSTUDY_CHECK(run(client, "COPY bulk FROM STDIN"));
    constexpr std::size_t piece = 64 * 1024;
    for (std::size_t at = 0; at < lines.size(); at += piece)
        PQputCopyData(client.get(), lines.data() + at, static_cast<int>(std::min(piece, lines.size() - at)));
    PQputCopyEnd(client.get(), nullptr);
    UNDERSTUDY_CHECK(check(Answer(PQgetResult(client.get()))));
    return rows / std::chrono::duration<double>(Clock::now() - start).count();
}

Result<double> connection_kib(const std::string& where, int process, int count) {
    const auto before = private_kib(process);
    std::vector<Client> clients;
    for (int i = 0; i < count; ++i) {
        UNDERSTUDY_TRY(Client client, connect(where));
        UNDERSTUDY_CHECK(prepare(client, reading));
        UNDERSTUDY_CHECK(execute(client, "read", {"1"}));
        clients.push_back(std::move(client));
    }
    return static_cast<double>(private_kib(process) - before) / count;
}

}  // namespace understudy::bench
