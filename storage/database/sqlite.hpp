// SPDX-License-Identifier: Apache-2.0
// SQLite's objects with their owners, how the service opens its file, and SQLite's errors as SQLSTATEs.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

struct SqliteClose {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct SqliteFinalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteConnection = std::unique_ptr<sqlite3, SqliteClose>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteFinalize>;

// How SQLite reaches a database that belongs to this process alone: its own layer for that, whose locks and
// index of the write-ahead log are memory, or ours above it where UndoVfs is installed. Any other file goes
// the default way.
constexpr const char* exclusive_vfs_name = "unix-excl";
constexpr const char* undo_vfs_name = "understudy-undo";
const char* own_file_vfs();

// Opens the file, creating it, with WAL, synchronous=FULL and foreign keys.
SqlResult<SqliteConnection> open_database(const std::string& path);

SqlError error_of(sqlite3* connection, int code);

SqlResult<SqliteStatement> compile(sqlite3* connection, const std::string& sql);
// Runs a statement that gives no rows.
SqlResult<void> run(sqlite3* connection, const std::string& sql);

void bind(sqlite3_stmt* statement, int index, const Stored& value);
Stored column_value(sqlite3_stmt* statement, int column);

}  // namespace understudy::database
