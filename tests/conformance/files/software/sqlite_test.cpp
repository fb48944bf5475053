// SPDX-License-Identifier: Apache-2.0
// SQLite databases on a share. With the rollback journal two hosts use one at the same time; with write-ahead
// logging, whose index is shared memory, they take turns in exclusive mode.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io/clock.hpp"
#include "fixture.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

class Database {
  public:
    explicit Database(const std::string& path) {
        if (::sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) failed_ = true;
        ::sqlite3_busy_timeout(handle_, 30'000);
    }
    ~Database() { ::sqlite3_close(handle_); }
    Database(const Database&) = delete;

    int run(const char* statement) { return ::sqlite3_exec(handle_, statement, nullptr, nullptr, nullptr); }
    void wait_for_no_one() { ::sqlite3_busy_timeout(handle_, 0); }
    std::string text(const char* query) {
        sqlite3_stmt* statement = nullptr;
        if (::sqlite3_prepare_v2(handle_, query, -1, &statement, nullptr) != SQLITE_OK)
            return ::sqlite3_errmsg(handle_);
        std::string answer = "nothing";
        if (::sqlite3_step(statement) == SQLITE_ROW)
            answer = reinterpret_cast<const char*>(::sqlite3_column_text(statement, 0));
        ::sqlite3_finalize(statement);
        return answer;
    }
    bool is_open() const { return !failed_; }

  private:
    sqlite3* handle_ = nullptr;
    bool failed_ = false;
};

class Sqlite : public TwoHosts {
  protected:
    // What one host does to the shared counters: 0, or SQLite's code.
    static int count_up(const std::string& path, const char* own, int times) {
        Database database(path);
        if (!database.is_open()) return 1;
        std::string insert = std::string("insert into log values('") + own + "', 1)";
        for (int i = 0; i < times; ++i) {
            if (int code = database.run("begin immediate"); code != SQLITE_OK) return code;
            if (int code = database.run("update counter set n = n + 1"); code != SQLITE_OK) return code;
            if (int code = database.run(insert.c_str()); code != SQLITE_OK) return code;
            if (int code = database.run("commit"); code != SQLITE_OK) return code;
        }
        return 0;
    }
    void make(const std::string& path, const char* mode) {
        Database database(path);
        ASSERT_EQ(database.text(mode), mode == wal ? "exclusive" : "delete");
        if (mode == wal) {
            ASSERT_EQ(database.text("pragma journal_mode=wal"), "wal");
        }
        ASSERT_EQ(database.run("create table counter(n); insert into counter values(0);"
                               "create table log(who, n)"),
                  SQLITE_OK);
    }
    static constexpr const char* rollback = "pragma journal_mode=delete";
    static constexpr const char* wal = "pragma locking_mode=exclusive";
};

TEST_F(Sqlite, two_hosts_count_in_one_database_with_a_rollback_journal_and_no_step_is_lost) {
    constexpr int steps = 60;
    make(service->at("a", "db"), rollback);
    Child one([&] { return count_up(service->at("a", "db"), "a", steps); });
    Child other([&] { return count_up(service->at("b", "db"), "b", steps); });
    ASSERT_TRUE(one.has_ended(100s));
    ASSERT_TRUE(other.has_ended(100s));
    EXPECT_EQ(WEXITSTATUS(one.status()), 0);
    EXPECT_EQ(WEXITSTATUS(other.status()), 0);
    for (const char* host : {"a", "b"}) {
        Database database(service->at(host, "db"));
        EXPECT_EQ(database.text("pragma integrity_check"), "ok");
        EXPECT_EQ(database.text("select n from counter"), std::to_string(2 * steps));
        EXPECT_EQ(database.text("select count(*) from log where who='a'"), std::to_string(steps));
        EXPECT_EQ(database.text("select count(*) from log where who='b'"), std::to_string(steps));
    }
}

TEST_F(Sqlite, a_writer_killed_in_its_transaction_leaves_a_journal_that_the_other_host_rolls_back) {
    make(service->at("a", "db"), rollback);
    ASSERT_EQ(count_up(service->at("a", "db"), "a", 3), 0);
    Child writer([&] {
        Database database(service->at("a", "db"));
        // A cache of two pages: the transaction must spill into the database file itself.
        database.run("pragma cache_size=2; begin immediate; update counter set n = 1000");
        database.run(
            "with recursive r(i) as (select 1 union all select i+1 from r where i<3000)"
            "insert into log select 'lost', i from r");
        return database.run("create table mark(x)") == SQLITE_OK && ::pause() != 0 ? 1 : 2;
    });
    std::string journal = service->data("db-journal");
    auto spilled = [&] {
        struct stat database = {}, of_journal = {};
        return ::stat(journal.c_str(), &of_journal) == 0 && of_journal.st_size > 0 &&
               ::stat(service->data("db").c_str(), &database) == 0 && database.st_size > 20'000;
    };
    ASSERT_TRUE(test::eventually(spilled));
    writer.kill();
    ASSERT_TRUE(writer.has_ended(10s));
    Database database(service->at("b", "db"));
    EXPECT_EQ(database.text("select n from counter"), "3");
    EXPECT_EQ(database.text("select count(*) from log where who='lost'"), "0");
    EXPECT_EQ(database.text("pragma integrity_check"), "ok");
}

TEST_F(Sqlite, with_a_write_ahead_log_two_hosts_take_turns_in_exclusive_mode) {
    make(service->at("a", "db"), wal);
    auto turn = [&](const char* host, bool killed) {
        return [this, host, killed] {
            auto database = std::make_unique<Database>(service->at(host, "db"));
            database->run(wal);
            for (int i = 0; i < 10; ++i)
                if (int code = database->run("update counter set n = n + 1"); code != SQLITE_OK) return code;
            if (killed) ::_exit(0);  // without closing: the log stays for the other host
            database.reset();
            return 0;
        };
    };
    for (int i = 0; i < 6; ++i) {
        Child host(turn(i % 2 == 0 ? "a" : "b", i >= 2));
        ASSERT_TRUE(host.has_ended(60s));
        ASSERT_EQ(WEXITSTATUS(host.status()), 0) << "turn " << i;
    }
    Database one(service->at("a", "db"));
    one.run(wal);
    EXPECT_EQ(one.text("pragma integrity_check"), "ok");
    EXPECT_EQ(one.text("select n from counter"), "60");
    Database other(service->at("b", "db"));
    other.wait_for_no_one();
    EXPECT_EQ(other.run(wal), SQLITE_OK);
    EXPECT_EQ(other.run("update counter set n = 0"), SQLITE_BUSY);  // not its turn
}

}  // namespace
}  // namespace understudy::files::testing
