// SPDX-License-Identifier: Apache-2.0
// SQLite's errors as PostgreSQL has them (appendix A of its manual): a SQLSTATE and its words.
#include <fmt/format.h>

#include <optional>

#include "storage/database/functions/call.hpp"
#include "storage/database/sqlite.hpp"

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

// What PostgreSQL could define and SQLite can't, or what neither can.
std::optional<SqlError> refused_definition(const std::string& message) {
    if (has(message, "non-deterministic functions prohibited in index expressions"))
        return SqlError{"42P17", "functions in index expression must be marked IMMUTABLE"};
    if (has(message, "non-deterministic functions prohibited in partial index WHERE clauses"))
        return SqlError{"42P17", "functions in index predicate must be marked IMMUTABLE"};
    if (has(message, "non-deterministic functions prohibited in generated columns"))
        return SqlError{"42P17", "generation expression is not immutable"};
    if (has(message, "non-deterministic functions prohibited in CHECK constraints"))
        return unsupported("a function in a check constraint that can give two results");
    if (has(message, "subqueries prohibited in "))
        return unsupported("ANY, ALL, GREATEST or LEAST in a definition (" +
                           after(message, "subqueries prohibited in ") + ")");
    if (has(message, "duplicate column name: "))
        return SqlError{"42701", fmt::format("column \"{}\" specified more than once", after(message, ": "))};
    if (has(message, " after drop column: "))
        return unsupported("dropping a column that a constraint of its table names");
    if (has(message, "error in generated column") || has(message, "generated column loop"))
        return SqlError{"42P17", "cannot use generated column in column generation expression"};
    if (has(message, "generated columns cannot be part of the PRIMARY KEY"))
        return unsupported("a generated column in a primary key");
    if (has(message, "must have at least one non-generated column"))
        return unsupported("a table of generated columns alone");
    if (has(message, "cannot drop UNIQUE column") || has(message, "cannot drop PRIMARY KEY column"))
        return unsupported("dropping column " + after(message, "column: ") +
                           ", which is a key of its table,");
    return std::nullopt;
}

}  // namespace

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
            if (message == "CHECK constraint failed")  // ADD COLUMN
                return {sqlstate::check_violation,
                        "check constraint of the new column is violated by some row"};
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
    if (auto refused = refused_definition(message)) return *refused;
    // What the translation made and SQLite refuses is a defect, or a limit of SQLite's.
    return {sqlstate::internal_error, message};
}

}  // namespace understudy::database
