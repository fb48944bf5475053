// SPDX-License-Identifier: Apache-2.0
#include "storage/database/functions.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <string_view>

#include "storage/database/core/types.hpp"

namespace understudy::database {
namespace {

FunctionContext& context_of(sqlite3_context* call) {
    return *static_cast<FunctionContext*>(sqlite3_user_data(call));
}

std::string_view text_of(sqlite3_value* value) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void give_text(sqlite3_context* call, const std::string& text) {
    sqlite3_result_text64(call, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give_error(sqlite3_context* call, const char* state, const std::string& message) {
    sqlite3_result_error(call, fmt::format("{}{}:{}", function_error_mark, state, message).c_str(), -1);
}

void bad_text(sqlite3_context* call, SqlType type, std::string_view text) {
    give_error(call, sqlstate::bad_text,
               fmt::format("invalid input syntax for type {}: \"{}\"", type_name(type), text));
}

void now(sqlite3_context* call, int, sqlite3_value**) {
    give_text(call, stored_timestamp(context_of(call).now_unix_us, true));
}
void current_user(sqlite3_context* call, int, sqlite3_value**) {
    give_text(call, context_of(call).user);
}
void current_database(sqlite3_context* call, int, sqlite3_value**) {
    give_text(call, context_of(call).database);
}
void backend_pid(sqlite3_context* call, int, sqlite3_value**) {
    sqlite3_result_int(call, context_of(call).process_id);
}
void version(sqlite3_context* call, int, sqlite3_value**) {
    give_text(call, fmt::format("PostgreSQL 15.0 (understudy, SQLite {})", sqlite3_libversion()));
}

template <SqlType type, std::int64_t least, std::int64_t greatest>
void to_integer(sqlite3_context* call, int, sqlite3_value** arguments) {
    std::int64_t result = 0;
    switch (sqlite3_value_type(arguments[0])) {
        case SQLITE_NULL:
            return;
        case SQLITE_INTEGER:
            result = sqlite3_value_int64(arguments[0]);
            break;
        case SQLITE_FLOAT: {
            const double rounded = std::nearbyint(sqlite3_value_double(arguments[0]));
            if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0))
                return give_error(call, sqlstate::out_of_range, type_name(type) + " out of range");
            result = static_cast<std::int64_t>(rounded);
            break;
        }
        case SQLITE_TEXT: {
            std::string text(text_of(arguments[0]));
            while (!text.empty() && text.back() == ' ') text.pop_back();
            char* end = nullptr;
            errno = 0;
            result = std::strtoll(text.c_str(), &end, 10);
            if (text.empty() || *end != '\0') return bad_text(call, type, text);
            if (errno == ERANGE)
                return give_error(call, sqlstate::out_of_range, type_name(type) + " out of range");
            break;
        }
        default:
            return bad_text(call, type, "bytea");
    }
    if (result < least || result > greatest)
        return give_error(call, sqlstate::out_of_range, type_name(type) + " out of range");
    sqlite3_result_int64(call, result);
}

void to_float8(sqlite3_context* call, int, sqlite3_value** arguments) {
    const int type = sqlite3_value_type(arguments[0]);
    if (type == SQLITE_NULL) return;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        return sqlite3_result_double(call, sqlite3_value_double(arguments[0]));
    const std::string text(text_of(arguments[0]));
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (type == SQLITE_BLOB || text.empty() || *end != '\0' || !std::isfinite(value))
        return bad_text(call, SqlType::float8, text);
    sqlite3_result_double(call, value);
}

void to_boolean(sqlite3_context* call, int, sqlite3_value** arguments) {
    const int type = sqlite3_value_type(arguments[0]);
    if (type == SQLITE_NULL) return;
    if (type == SQLITE_INTEGER)
        return sqlite3_result_int(call, sqlite3_value_int64(arguments[0]) != 0 ? 1 : 0);
    const auto value = parse_boolean(text_of(arguments[0]));
    if (type != SQLITE_TEXT || !value) return bad_text(call, SqlType::boolean, text_of(arguments[0]));
    sqlite3_result_int(call, *value ? 1 : 0);
}

void to_bytea(sqlite3_context* call, int, sqlite3_value** arguments) {
    const int type = sqlite3_value_type(arguments[0]);
    if (type == SQLITE_NULL || type == SQLITE_BLOB) return sqlite3_result_value(call, arguments[0]);
    const auto bytes = parse_bytea(text_of(arguments[0]));
    if (type != SQLITE_TEXT || !bytes) return bad_text(call, SqlType::bytea, text_of(arguments[0]));
    sqlite3_result_blob64(call, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
}

void to_text(sqlite3_context* call, int, sqlite3_value** arguments) {
    switch (sqlite3_value_type(arguments[0])) {
        case SQLITE_NULL:
            return;
        case SQLITE_FLOAT:
            return give_text(call, show_double(sqlite3_value_double(arguments[0])));
        case SQLITE_BLOB:
            return give_text(call, show_bytea(text_of(arguments[0])));
        default:
            return give_text(call, std::string(text_of(arguments[0])));
    }
}

template <bool with_zone>
void to_timestamp(sqlite3_context* call, int, sqlite3_value** arguments) {
    const int type = sqlite3_value_type(arguments[0]);
    if (type == SQLITE_NULL) return;
    const auto when = parse_timestamp(text_of(arguments[0]));
    if (type != SQLITE_TEXT || !when)
        return give_error(
            call, sqlstate::bad_timestamp,
            fmt::format("invalid input syntax for type timestamp: \"{}\"", text_of(arguments[0])));
    give_text(call, stored_timestamp(*when, with_zone));
}

// Seconds as a real: the numbers of microseconds are exact up to 285 years.
void epoch(sqlite3_context* call, int count, sqlite3_value** arguments) {
    std::int64_t difference = 0;
    for (int i = 0; i < count; ++i) {
        if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return;
        const auto when = parse_timestamp(text_of(arguments[i]));
        if (!when)
            return give_error(
                call, sqlstate::bad_timestamp,
                fmt::format("invalid input syntax for type timestamp: \"{}\"", text_of(arguments[i])));
        difference += i == 0 ? *when : -*when;
    }
    sqlite3_result_double(call, static_cast<double>(difference) / 1e6);
}

int authorize(void*, int action, const char*, const char* name, const char*, const char*) {
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_PRAGMA) return SQLITE_DENY;
    if (action != SQLITE_FUNCTION) return SQLITE_OK;
    static const std::set<std::string_view> allowed = {
        "count",         "sum",    "min",        "max",    "coalesce", "lower",
        "upper",         "length", "abs",        "nullif", "replace",  "substr",
        "row_number",    "rank",   "dense_rank", "lag",    "lead",     "first_value",
        "last_value",    "typeof", "glob",       "like",   "version",  "current_database",
        "pg_backend_pid"};
    const std::string_view function = name == nullptr ? "" : name;
    return allowed.contains(function) || function.starts_with("understudy_") ? SQLITE_OK : SQLITE_DENY;
}

}  // namespace

void register_functions(sqlite3* connection, FunctionContext& context) {
    using Implementation = void (*)(sqlite3_context*, int, sqlite3_value**);
    constexpr auto int64_least = std::numeric_limits<std::int64_t>::min();
    constexpr auto int64_greatest = std::numeric_limits<std::int64_t>::max();
    const auto add = [&](const char* name, int arguments, Implementation implementation, bool pure = true) {
        sqlite3_create_function_v2(connection, name, arguments,
                                   SQLITE_UTF8 | (pure ? SQLITE_DETERMINISTIC : 0), &context, implementation,
                                   nullptr, nullptr, nullptr);
    };
    add("understudy_now", 0, now, false);
    add("understudy_current_user", 0, current_user, false);
    add("current_database", 0, current_database, false);
    add("pg_backend_pid", 0, backend_pid, false);
    add("version", 0, version);
    add("understudy_to_int2", 1, to_integer<SqlType::int2, -32768, 32767>);
    add("understudy_to_int4", 1, to_integer<SqlType::int4, -2147483648LL, 2147483647LL>);
    add("understudy_to_int8", 1, to_integer<SqlType::int8, int64_least, int64_greatest>);
    add("understudy_to_float8", 1, to_float8);
    add("understudy_to_boolean", 1, to_boolean);
    add("understudy_to_bytea", 1, to_bytea);
    add("understudy_to_text", 1, to_text);
    add("understudy_to_timestamp", 1, to_timestamp<false>);
    add("understudy_to_timestamptz", 1, to_timestamp<true>);
    add("understudy_epoch", 1, epoch);
    add("understudy_epoch_difference", 2, epoch);
    sqlite3_set_authorizer(connection, authorize, nullptr);
}

}  // namespace understudy::database
