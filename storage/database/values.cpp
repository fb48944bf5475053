// SPDX-License-Identifier: Apache-2.0
// Values between the wire and SQLite, and SQLite's errors as SQLSTATEs.
#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "storage/database/core/types.hpp"
#include "storage/database/engine.hpp"

namespace understudy::database {
namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}
std::string after(const std::string& text, std::string_view part) {
    const auto at = text.find(part);
    return at == std::string::npos ? text : text.substr(at + part.size());
}

SqlError bad_value(SqlType type, const std::string& value) {
    const bool time = type == SqlType::timestamp || type == SqlType::timestamptz;
    return {time ? sqlstate::bad_timestamp : sqlstate::bad_text,
            fmt::format("invalid input syntax for type {}: \"{}\"", type_name(type), value)};
}

}  // namespace

SqlResult<SqliteConnection> open_database(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    SqliteConnection connection(raw);
    if (code != SQLITE_OK)
        return SqlError{sqlstate::io_error, raw == nullptr ? "out of memory" : sqlite3_errmsg(raw), {}, true};
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, 5000);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);  // "x" is an identifier, never a string
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
    for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
                               "PRAGMA case_sensitive_like=ON", "PRAGMA cache_size=-512"})
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
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
            return {sqlstate::unique_violation, "duplicate key value violates unique constraint: " +
                                                    after(message, "constraint failed: ")};
        case SQLITE_CONSTRAINT_NOTNULL:
            return {sqlstate::not_null_violation,
                    fmt::format("null value in column \"{}\" violates not-null constraint",
                                after(message, "constraint failed: "))};
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return {sqlstate::foreign_key_violation,
                    "insert or update or delete violates foreign key constraint"};
        case SQLITE_CONSTRAINT_CHECK: {
            const std::string name = after(message, "constraint failed: ");
            // The names that column_checks() gives: "22P02 column x of type y".
            if (name.size() > 6 && name[0] == '2' && name[1] == '2' && has(name, " column "))
                return {name.substr(0, 5), "invalid value for " + name.substr(6)};
            return {sqlstate::check_violation, "new row violates check constraint: " + name};
        }
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
        case SQLITE_MISMATCH:
            return {sqlstate::bad_text, message};
        default:
            break;
    }
    if (has(message, "not authorized to use function: "))
        return {sqlstate::undefined_function,
                fmt::format("function {} does not exist here",
                            after(message, "not authorized to use function: "))};
    if (has(message, "no such table: ") || has(message, "no such index: ") ||
        has(message, "unknown database"))
        return {sqlstate::undefined_table,
                fmt::format("relation \"{}\" does not exist", after(message, ": "))};
    if (has(message, "no such column: "))
        return {sqlstate::undefined_column,
                fmt::format("column \"{}\" does not exist", after(message, "no such column: "))};
    if (has(message, "has no column named "))
        return {sqlstate::undefined_column, "column does not exist: " + message};
    if (has(message, "no such function: "))
        return {sqlstate::undefined_function,
                fmt::format("function {} does not exist", after(message, "no such function: "))};
    if (has(message, "wrong number of arguments")) return {sqlstate::undefined_function, message};
    if (has(message, "ambiguous column name")) return {sqlstate::ambiguous_column, message};
    if (has(message, "already exists")) return {sqlstate::duplicate_table, message};
    if (has(message, "ON CONFLICT clause does not match")) return {"42P10", message};
    if (has(message, "foreign key mismatch")) return {"42830", message};
    if (has(message, "integer overflow")) return {sqlstate::out_of_range, message};
    if (code == SQLITE_ERROR) return {sqlstate::syntax_error, message};
    return {sqlstate::internal_error, message};
}

std::optional<SqlError> Engine::bind_value(sqlite3_stmt* statement, int index, SqlType type, bool binary,
                                           const std::string& value) {
    const auto integer = [&](std::int64_t number) { sqlite3_bind_int64(statement, index, number); };
    const auto text = [&](const std::string& content) {
        sqlite3_bind_text64(statement, index, content.data(), content.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    };
    const std::int16_t bytes = type_bytes(type);
    if (binary && bytes > 0 && value.size() != static_cast<std::size_t>(bytes))
        return SqlError{sqlstate::bad_binary,
                        fmt::format("incorrect binary data format in bind parameter {}", index)};
    switch (type) {
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8: {
            if (binary) {
                integer(from_big_endian(value));
                return std::nullopt;
            }
            char* end = nullptr;
            errno = 0;
            const std::int64_t number = std::strtoll(value.c_str(), &end, 10);
            if (value.empty() || end != value.c_str() + value.size()) return bad_value(type, value);
            const std::int64_t limit = type == SqlType::int2 ? 32767 : 2147483647;
            if (errno == ERANGE || (type != SqlType::int8 && (number > limit || number < -limit - 1)))
                return SqlError{
                    sqlstate::out_of_range,
                    fmt::format("value \"{}\" is out of range for type {}", value, type_name(type))};
            integer(number);
            return std::nullopt;
        }
        case SqlType::boolean: {
            const auto truth = binary ? std::optional<bool>(value[0] != 0) : parse_boolean(value);
            if (!truth) return bad_value(type, value);
            integer(*truth ? 1 : 0);
            return std::nullopt;
        }
        case SqlType::bytea: {
            const auto content = binary ? std::optional<std::string>(value) : parse_bytea(value);
            if (!content) return bad_value(type, value);
            sqlite3_bind_blob64(statement, index, content->data(), content->size(), SQLITE_TRANSIENT);
            return std::nullopt;
        }
        case SqlType::float8: {
            char* end = nullptr;
            const double number =
                binary ? std::bit_cast<double>(from_big_endian(value)) : std::strtod(value.c_str(), &end);
            if (!std::isfinite(number) || (!binary && (value.empty() || end != value.c_str() + value.size())))
                return bad_value(type, value);
            sqlite3_bind_double(statement, index, number);
            return std::nullopt;
        }
        case SqlType::timestamp:
        case SqlType::timestamptz: {
            const auto when = binary ? std::optional<std::int64_t>(from_big_endian(value) +
                                                                   postgres_epoch_unix_seconds * 1'000'000)
                                     : parse_timestamp(value);
            if (!when) return bad_value(type, value);
            text(stored_timestamp(*when, type == SqlType::timestamptz));
            return std::nullopt;
        }
        default:
            if (value.find('\0') != std::string::npos)
                return SqlError{"22021", "invalid byte sequence for encoding \"UTF8\": 0x00"};
            text(value);
            return std::nullopt;
    }
}

SqlResult<std::string> Engine::wire_value(sqlite3_stmt* statement, int column,
                                          const ColumnDescription& description) {
    const auto type = static_cast<SqlType>(description.type);
    const int stored = sqlite3_column_type(statement, column);
    const auto bytes = [&] {
        const auto* data =
            reinterpret_cast<const char*>(stored == SQLITE_BLOB ? sqlite3_column_blob(statement, column)
                                                                : sqlite3_column_text(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        return data == nullptr ? std::string() : std::string(data, size);
    };
    const auto mismatch = [&] {
        return SqlError{sqlstate::feature_not_supported,
                        fmt::format("result column \"{}\" is not of the type {} that its text shows",
                                    description.name, type_name(type)),
                        "add a cast"};
    };
    if (stored == SQLITE_BLOB) {
        const std::string content = bytes();
        return description.format == 1 ? content : show_bytea(content);
    }
    if (description.format == 0) {
        switch (type) {
            case SqlType::boolean:
                return std::string(sqlite3_column_int64(statement, column) != 0 ? "t" : "f");
            case SqlType::timestamp:
            case SqlType::timestamptz:
                return shown_timestamp(bytes());
            case SqlType::numeric:
                return stored == SQLITE_FLOAT
                           ? fmt::format("{:.6f}", sqlite3_column_double(statement, column))
                           : bytes();
            default:
                return stored == SQLITE_FLOAT ? show_double(sqlite3_column_double(statement, column))
                                              : bytes();
        }
    }
    switch (type) {
        case SqlType::boolean:
            return std::string(1, sqlite3_column_int64(statement, column) != 0 ? '\1' : '\0');
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8:
            if (stored != SQLITE_INTEGER) return mismatch();
            return big_endian_bytes(static_cast<std::uint64_t>(sqlite3_column_int64(statement, column)),
                                    type_bytes(type));
        case SqlType::float8:
            return big_endian_bytes(std::bit_cast<std::uint64_t>(sqlite3_column_double(statement, column)),
                                    8);
        case SqlType::timestamp:
        case SqlType::timestamptz: {
            const auto when = parse_timestamp(bytes());
            if (!when) return mismatch();
            return big_endian_bytes(
                static_cast<std::uint64_t>(*when - postgres_epoch_unix_seconds * 1'000'000), 8);
        }
        case SqlType::text:
        case SqlType::varchar:
            return stored == SQLITE_FLOAT ? show_double(sqlite3_column_double(statement, column)) : bytes();
        default:
            return SqlError{sqlstate::feature_not_supported,
                            fmt::format("binary format for type {} is not supported", type_name(type)),
                            "ask for text"};
    }
}

}  // namespace understudy::database
