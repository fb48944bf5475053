// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sqlite.hpp"

#include <fmt/format.h>

#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}
std::string after(const std::string& text, std::string_view part) {
    const auto at = text.find(part);
    return at == std::string::npos ? text : text.substr(at + part.size());
}

// "t.a, t.b" as the name that PostgreSQL gives such a constraint.
std::string constraint_name(const std::string& columns, bool primary) {
    const auto point = columns.find('.');
    if (point == std::string::npos) return columns;
    std::string name = columns.substr(0, point);
    if (primary) return name + "_pkey";
    for (std::size_t at = 0; at != std::string::npos;) {
        const auto start = columns.find('.', at) + 1;
        const auto comma = columns.find(", ", start);
        name += "_" + columns.substr(start, comma == std::string::npos ? comma : comma - start);
        at = comma == std::string::npos ? comma : comma + 2;
    }
    return name + "_key";
}

// The name of the unique index over "t.a, t.b", the oldest where there are several: SQLite tells only the
// columns. Empty: it is a constraint without a name of its own. One over a part of the rows comes last, since
// the violation of one over all of them is certain.
std::string index_name(sqlite3* connection, const std::string& columns) {
    constexpr const char* sql =
        "SELECT CASE WHEN s.sql IS NULL THEN '' ELSE s.name END FROM (SELECT rowid AS place, * FROM "
        "sqlite_temp_schema UNION ALL SELECT rowid, * FROM sqlite_schema) AS s, "
        "pragma_index_list(s.tbl_name) "
        "AS l WHERE s.type = 'index' AND l.name = s.name AND l.\"unique\" AND substr(?1, 1, "
        "length(s.tbl_name) + 1) = s.tbl_name || '.' AND ?1 = (SELECT group_concat(s.tbl_name || '.' || "
        "i.name, ', ') FROM pragma_index_info(s.name) AS i) ORDER BY l.partial, s.place LIMIT 1";
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(connection, sql, -1, &raw, nullptr) != SQLITE_OK) return {};
    const SqliteStatement query(raw);
    sqlite3_bind_text(raw, 1, columns.data(), static_cast<int>(columns.size()), SQLITE_TRANSIENT);
    if (sqlite3_step(raw) != SQLITE_ROW) return {};
    return reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
}

// Constraints are named "TABLE:NAME" (sql/define.cpp).
std::string check_message(const std::string& name) {
    const auto colon = name.find(':');
    if (colon == std::string::npos) return fmt::format("new row violates check constraint \"{}\"", name);
    return fmt::format("new row for relation \"{}\" violates check constraint \"{}\"", name.substr(0, colon),
                       name.substr(colon + 1));
}

SqlError unique_error(sqlite3* connection, const std::string& message, bool primary) {
    const std::string columns = after(message, "constraint failed: ");
    std::string name = columns.starts_with("index '") ? columns.substr(7, columns.size() - 8)
                       : primary                      ? std::string()
                                                      : index_name(connection, columns);
    if (name.empty()) name = constraint_name(columns, primary);
    return {sqlstate::unique_violation,
            fmt::format("duplicate key value violates unique constraint \"{}\"", name)};
}

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

SqlError error_of(sqlite3* connection, int code) {
    const std::string message = sqlite3_errmsg(connection);
    if (has(message, function_error_mark)) {
        const std::string rest = after(message, function_error_mark);
        return {rest.substr(0, 5), rest.substr(6)};
    }
    switch (code) {
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
            return unique_error(connection, message, true);
        case SQLITE_CONSTRAINT_UNIQUE:
            return unique_error(connection, message, false);
        case SQLITE_CONSTRAINT_NOTNULL: {
            const std::string column = after(message, "constraint failed: ");
            return {sqlstate::not_null_violation,
                    fmt::format("null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                                after(column, "."), column.substr(0, column.find('.')))};
        }
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return {sqlstate::foreign_key_violation,
                    "insert or update or delete violates foreign key constraint"};
        case SQLITE_CONSTRAINT_CHECK:
            return {sqlstate::check_violation, check_message(after(message, "constraint failed: "))};
        case SQLITE_BUSY_SNAPSHOT:
            return {sqlstate::serialization_failure, "could not serialize access due to concurrent update"};
        default:
            break;
    }
    switch (code & 0xff) {
        case SQLITE_CONSTRAINT:
            return {sqlstate::check_violation, message};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {sqlstate::lock_not_available, "the database file is in use by another program"};
        case SQLITE_INTERRUPT:
            return {sqlstate::query_canceled, "canceling statement due to user request"};
        case SQLITE_FULL:
            return {sqlstate::disk_full, "could not write: no space left on device"};
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            return {sqlstate::io_error, "input or output error: " + message};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {sqlstate::data_corrupted, message};
        case SQLITE_READONLY:
            return {sqlstate::read_only_transaction, message};
        case SQLITE_TOOBIG:
            return {sqlstate::limit_exceeded, message};
        case SQLITE_NOMEM:
            return {sqlstate::out_of_memory, "out of memory"};
        default:
            break;
    }
    if (has(message, " already exists")) {
        std::string name = message.substr(message.find(' ') + 1);
        name.resize(name.size() - std::string_view(" already exists").size());
        if (!name.starts_with('"')) name = "\"" + name + "\"";
        return {sqlstate::duplicate_table, fmt::format("relation {} already exists", name)};
    }
    if (has(message, "no such table: ") || has(message, "no such index: "))
        return {sqlstate::undefined_table,
                fmt::format("relation \"{}\" does not exist", after(message, ": "))};
    if (has(message, "ON CONFLICT clause does not match"))
        return {"42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification"};
    if (has(message, "error in view "))
        return {"2BP01", fmt::format("cannot change the table because view {} depends on it",
                                     after(message, "error in view ")
                                         .substr(0, after(message, "error in view ").find_first_of(" :")))};
    if (has(message, "foreign key mismatch"))
        return {"42830", "there is no unique constraint matching given keys for referenced table"};
    if (has(message, "integer overflow")) return {sqlstate::out_of_range, "bigint out of range"};
    if (has(message, "Cannot add a NOT NULL column with default value NULL"))
        return {sqlstate::not_null_violation, "column contains null values"};
    if (has(message, "Expression tree is too large") || has(message, "parser stack overflow") ||
        has(message, "too many "))
        return {sqlstate::limit_exceeded, message};
    // What the translation made and SQLite refuses is a defect, or a limit of SQLite's.
    return {sqlstate::internal_error, message};
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
