// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sqlite.hpp"

namespace understudy::database {
namespace {

// SQLITE_BloomFilter and SQLITE_BloomPulldown of sqliteInt.h. A filter goes by the length of a text (3.40),
// so a join on numerics would leave out 1.50 = 1.5, and one on char(n) 'a ' = 'a'.
constexpr int bloom_filters = 0x00180000;

}  // namespace

// With locks in the file each read took four system calls under one mutex.
const char* own_file_vfs() {
    return sqlite3_vfs_find(undo_vfs_name) != nullptr ? undo_vfs_name : exclusive_vfs_name;
}

SqlResult<SqliteConnection> open_database(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, own_file_vfs());
    SqliteConnection connection(raw);
    if (code != SQLITE_OK)
        return SqlError{sqlstate::io_error, raw == nullptr ? "out of memory" : sqlite3_errmsg(raw), {}, true};
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, 5000);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);  // "x" is an identifier, never a string
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, raw, bloom_filters);
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
    for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
                               "PRAGMA case_sensitive_like=ON", "PRAGMA cache_size=-512",
                               "PRAGMA temp_store=MEMORY", "PRAGMA mmap_size=268435456"})
        if (const int result = sqlite3_exec(raw, pragma, nullptr, nullptr, nullptr); result != SQLITE_OK) {
            SqlError error = error_of(raw, result);
            error.fatal = true;
            return error;
        }
    return connection;
}

SqlResult<SqliteStatement> compile(sqlite3* connection, const std::string& sql) {
    sqlite3_stmt* compiled = nullptr;
    const int code =
        sqlite3_prepare_v3(connection, sql.c_str(), static_cast<int>(sql.size() + 1), 0, &compiled, nullptr);
    if (code != SQLITE_OK) return error_of(connection, code);
    return SqliteStatement(compiled);
}

SqlResult<void> run(sqlite3* connection, const std::string& sql) {
    auto compiled = compile(connection, sql);
    if (compiled.has_error()) return compiled.error();
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(compiled->get());
    if (code != SQLITE_DONE) return error_of(connection, code);
    return {};
}

void bind(sqlite3_stmt* statement, int index, const Stored& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
        sqlite3_bind_int64(statement, index, *number);
    else if (const auto* real = std::get_if<double>(&value))
        sqlite3_bind_double(statement, index, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
        sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    else if (const auto* blob = std::get_if<Blob>(&value))
        sqlite3_bind_blob64(statement, index, blob->bytes.data(), blob->bytes.size(), SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, index);
}

Stored column_value(sqlite3_stmt* statement, int column) {
    const auto bytes = [&](const void* data) {
        return data == nullptr
                   ? std::string()
                   : std::string(static_cast<const char*>(data),
                                 static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    };
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER:
            return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
        case SQLITE_FLOAT:
            return sqlite3_column_double(statement, column);
        case SQLITE_TEXT:
            return bytes(sqlite3_column_text(statement, column));
        case SQLITE_BLOB:
            return Blob{bytes(sqlite3_column_blob(statement, column))};
        default:
            return std::monostate{};
    }
}

}  // namespace understudy::database
