// SPDX-License-Identifier: Apache-2.0
// The layer below SQLite that a power loss needs, over a database that nobody else has open. It changes what
// every later open of this process uses, and after the power is lost nothing can be written: a program of its
// own, and one test.
#include "storage/database/undo_vfs.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "storage/database/sqlite.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::database {
namespace {

constexpr const char* plain_vfs = "unix";  // SQLite's own

std::string answer(sqlite3* connection, const std::string& sql) {
    const auto compiled = compile(connection, sql);
    if (compiled.has_error()) return compiled.error().message;
    if (sqlite3_step(compiled->get()) != SQLITE_ROW) return sqlite3_errmsg(connection);
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(compiled->get(), 0));
    return text == nullptr ? "" : text;
}

TEST(UndoVfs, what_was_synced_stays_and_what_was_not_is_gone) {
    const test::ScratchDirectory scratch;
    const std::string path = scratch.path() / "db.sqlite";
    const auto layer = UndoVfs::install();
    ASSERT_TRUE(layer.has_value()) << layer.error().message();
    auto first = open_database(path);
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE(run(first->get(), "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)").has_value());
    ASSERT_TRUE(run(first->get(), "INSERT INTO t VALUES (1, 'synced')").has_value());
    // A second connection to the same file shares what is remembered of it.
    auto second = open_database(path);
    ASSERT_TRUE(second.has_value());
    ASSERT_TRUE(run(second->get(), "PRAGMA synchronous=OFF").has_value());
    ASSERT_TRUE(run(second->get(), "INSERT INTO t VALUES (2, 'not synced')").has_value());
    EXPECT_EQ(answer(first->get(), "SELECT count(*) FROM t"), "2");
    ASSERT_TRUE((*layer)->lose_power(storage::TornWrites::none, 1).has_value());
    EXPECT_TRUE(run(first->get(), "INSERT INTO t VALUES (3, 'too late')").has_error());

    // As after a start: nothing is known of what was in memory. The log is copied with the file, as SQLite
    // shares its index among the connections of one process.
    const std::string found = scratch.path() / "found.sqlite";
    std::filesystem::copy_file(path, found);
    std::filesystem::copy_file(path + "-wal", found + "-wal");
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open_v2(found.c_str(), &raw, SQLITE_OPEN_READWRITE, plain_vfs), SQLITE_OK);
    const SqliteConnection after(raw);
    EXPECT_EQ(answer(after.get(), "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(answer(after.get(), "SELECT group_concat(note) FROM t"), "synced");
}

}  // namespace
}  // namespace understudy::database
