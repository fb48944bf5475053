// SPDX-License-Identifier: Apache-2.0
// The limit: the same statements on the same schema, without a server.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>

#include "sim/bench/database/workload.hpp"

namespace understudy::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct CloseFile {
    void operator()(sqlite3* file) const { sqlite3_close(file); }
};
struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using File = std::unique_ptr<sqlite3, CloseFile>;
using Compiled = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Result<File> open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open(path.c_str(), &raw);
    File file(raw);
    if (code != SQLITE_OK) return Error(ErrorKind::failed, path, sqlite3_errstr(code)).with_number(code);
    for (const char* sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"})
        sqlite3_exec(raw, sql, nullptr, nullptr, nullptr);
    return file;
}
Compiled compile(const File& file, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(file.get(), sql, -1, &statement, nullptr);
    return Compiled(statement);
}
Result<void> run(const Compiled& statement, std::initializer_list<std::int64_t> values) {
    int index = 0;
    for (const auto value : values) sqlite3_bind_int64(statement.get(), ++index, value);
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
    sqlite3_reset(statement.get());
    if (code != SQLITE_DONE)
        return Error(ErrorKind::failed, "SQLite", sqlite3_errstr(code)).with_number(code);
    return {};
}

Result<Load> repeat(double seconds, const std::function<Result<void>(std::mt19937&)>& once) {
    std::mt19937 random(0);
    std::vector<double> times_us;
    const auto start = Clock::now();
    for (auto now = start; now - start < std::chrono::duration<double>(seconds);) {
        UNDERSTUDY_CHECK(once(random));
        const auto after = Clock::now();
        times_us.push_back(std::chrono::duration<double, std::micro>(after - now).count());
        now = after;
    }
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    std::sort(times_us.begin(), times_us.end());
    return Load{static_cast<double>(times_us.size()) / took, times_us[times_us.size() / 2],
                times_us[times_us.size() * 99 / 100]};
}

}  // namespace

Result<void> fill_sqlite(const std::string& path, int rows) {
    UNDERSTUDY_TRY(const File file, open(path));
    for (const std::string& sql :
         {std::string("CREATE TABLE account (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL, filler TEXT)"),
          std::string("CREATE TABLE teller (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL)"),
          std::string("CREATE TABLE branch (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL)"),
          std::string("CREATE TABLE history (teller INT, branch INT, account INT, delta INT, at TEXT)"),
          std::string("CREATE TABLE bulk (id INTEGER PRIMARY KEY, name TEXT, price TEXT, at TEXT)"),
          std::string("INSERT INTO branch VALUES (1, 0)"),
          std::string("WITH g(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM g WHERE v < 10) INSERT INTO teller "
                      "SELECT v, 0 FROM g"),
          fmt::format(
              "WITH g(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM g WHERE v < {}) INSERT INTO account SELECT "
              "v, 0, "
              "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' FROM g",
              rows)})
        UNDERSTUDY_CHECK(run(compile(file, sql.c_str()), {}));
    return {};
}

Result<Load> read_by_key_sqlite(const std::string& path, double seconds, int rows) {
    UNDERSTUDY_TRY(const File file, open(path));
    const Compiled read = compile(file, "SELECT balance FROM account WHERE id = ?1");
    return repeat(seconds, [&](std::mt19937& random) {
        return run(read, {static_cast<std::int64_t>(random() % static_cast<unsigned>(rows) + 1)});
    });
}

Result<Load> commit_one_sqlite(const std::string& path, double seconds) {
    UNDERSTUDY_TRY(const File file, open(path));
    const Compiled insert = compile(file, "INSERT INTO history VALUES (1, 1, 1, ?1, datetime('now'))");
    return repeat(seconds, [&](std::mt19937& random) {
        return run(insert, {static_cast<std::int64_t>(random() % 1000)});
    });
}

Result<Load> transfer_sqlite(const std::string& path, double seconds, int rows) {
    UNDERSTUDY_TRY(const File file, open(path));
    const Compiled begin = compile(file, "BEGIN IMMEDIATE"), commit = compile(file, "COMMIT");
    const Compiled account = compile(file, "UPDATE account SET balance = balance + ?1 WHERE id = ?2");
    const Compiled read = compile(file, "SELECT balance FROM account WHERE id = ?1");
    const Compiled teller = compile(file, "UPDATE teller SET balance = balance + ?1 WHERE id = ?2");
    const Compiled branch = compile(file, "UPDATE branch SET balance = balance + ?1 WHERE id = 1");
    const Compiled history = compile(file, "INSERT INTO history VALUES (?1, 1, ?2, ?3, datetime('now'))");
    return repeat(seconds, [&](std::mt19937& random) -> Result<void> {
        const std::int64_t id = random() % static_cast<unsigned>(rows) + 1, which = random() % 10 + 1,
                           delta = random() % 1000;
        UNDERSTUDY_CHECK(run(begin, {}));
        UNDERSTUDY_CHECK(run(account, {delta, id}));
        UNDERSTUDY_CHECK(run(read, {id}));
        UNDERSTUDY_CHECK(run(teller, {delta, which}));
        UNDERSTUDY_CHECK(run(branch, {delta}));
        UNDERSTUDY_CHECK(run(history, {which, id, delta}));
        return run(commit, {});
    });
}

Result<double> bulk_load_sqlite(const std::string& path, int rows) {
    UNDERSTUDY_TRY(const File file, open(path));
    UNDERSTUDY_CHECK(run(compile(file, "DELETE FROM bulk"), {}));
    const Compiled insert =
        compile(file, "INSERT INTO bulk VALUES (?1, 'name of ' || ?1, ?1 || '.00', '2026-01-01 00:00:00')");
    const auto start = Clock::now();
    UNDERSTUDY_CHECK(run(compile(file, "BEGIN IMMEDIATE"), {}));
    for (int i = 1; i <= rows; ++i) UNDERSTUDY_CHECK(run(insert, {i}));
    UNDERSTUDY_CHECK(run(compile(file, "COMMIT"), {}));
    return rows / std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace understudy::bench
