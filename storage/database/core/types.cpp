// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/types.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace understudy::database {
namespace {

struct Name {
    const char* name;
    SqlType type;
    bool serial;
};
constexpr Name simple_names[] = {
    {"bigint", SqlType::int8, false},        {"int8", SqlType::int8, false},
    {"integer", SqlType::int4, false},       {"int", SqlType::int4, false},
    {"int4", SqlType::int4, false},          {"smallint", SqlType::int2, false},
    {"int2", SqlType::int2, false},          {"text", SqlType::text, false},
    {"varchar", SqlType::varchar, false},    {"boolean", SqlType::boolean, false},
    {"bool", SqlType::boolean, false},       {"bytea", SqlType::bytea, false},
    {"float8", SqlType::float8, false},      {"bigserial", SqlType::int8, true},
    {"serial8", SqlType::int8, true},        {"serial", SqlType::int4, true},
    {"serial4", SqlType::int4, true},        {"timestamptz", SqlType::timestamptz, false},
    {"timestamp", SqlType::timestamp, false}};

std::string digits_glob(int count) {
    std::string glob;
    for (int i = 0; i < count; ++i) glob += "[0-9]";
    return glob;
}

bool read_digits(std::string_view text, std::size_t& at, int count, std::int64_t& value) {
    value = 0;
    for (int i = 0; i < count; ++i, ++at) {
        if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
        value = value * 10 + (text[at] - '0');
    }
    return true;
}

bool equal_folded(std::string_view text, std::string_view lower_case) {
    if (text.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != lower_case[i]) return false;
    return true;
}

}  // namespace

std::int16_t type_bytes(SqlType type) {
    switch (type) {
        case SqlType::boolean:
            return 1;
        case SqlType::int2:
            return 2;
        case SqlType::int4:
            return 4;
        case SqlType::int8:
        case SqlType::float8:
        case SqlType::timestamp:
        case SqlType::timestamptz:
            return 8;
        default:
            return -1;
    }
}

std::string type_name(SqlType type) {
    switch (type) {
        case SqlType::varchar:
            return "character varying";
        case SqlType::timestamp:
            return "timestamp without time zone";
        case SqlType::timestamptz:
            return "timestamp with time zone";
        case SqlType::float8:
            return "double precision";
        case SqlType::int8:
            return "bigint";
        case SqlType::int4:
            return "integer";
        case SqlType::int2:
            return "smallint";
        case SqlType::boolean:
            return "boolean";
        case SqlType::bytea:
            return "bytea";
        case SqlType::numeric:
            return "numeric";
        default:
            return "text";
    }
}

std::optional<SqlType> type_from_oid(std::uint32_t oid) {
    switch (oid) {
        case 0:
        case 705:
            return SqlType::unknown;  // "unknown": a literal without a type
        case 19:                      // name
        case 1042:
            return SqlType::text;  // bpchar
        case 16:
        case 17:
        case 20:
        case 21:
        case 23:
        case 25:
        case 701:
        case 1043:
        case 1114:
        case 1184:
            return static_cast<SqlType>(oid);
        default:
            return std::nullopt;
    }
}

SqlResult<TypeName> read_type_name(const std::vector<Token>& tokens, std::size_t at) {
    const auto is = [&](std::size_t index, std::string_view text) {
        return index < tokens.size() && tokens[index].is(text);
    };
    if (at >= tokens.size() || tokens[at].kind != TokenKind::word)
        return SqlError{sqlstate::syntax_error, "syntax error: a type name is expected"};
    TypeName result;
    std::size_t end = at + 1;
    const std::string& first = tokens[at].text;
    bool known = true;
    if (first == "double" && is(end, "precision")) {
        result.type = SqlType::float8;
        ++end;
    } else if (first == "character" && is(end, "varying")) {
        result.type = SqlType::varchar;
        ++end;
    } else {
        known = false;
        for (const auto& name : simple_names)
            if (first == name.name) {
                result.type = name.type;
                result.serial = name.serial;
                known = true;
            }
    }
    if (!known)
        return SqlError{sqlstate::feature_not_supported, fmt::format("type \"{}\" is not supported", first)};
    if (is(end, "(")) {
        const bool sized = result.type == SqlType::varchar || first.starts_with("timestamp");
        if (!sized || end + 2 >= tokens.size() || tokens[end + 1].kind != TokenKind::number ||
            !is(end + 2, ")") || tokens[end + 1].text.size() > 8 ||
            tokens[end + 1].text.find_first_not_of("0123456789") != std::string::npos)
            return SqlError{sqlstate::syntax_error,
                            fmt::format("type modifier is not allowed for type \"{}\"", first)};
        const std::int64_t number = std::stoll(tokens[end + 1].text);
        if (result.type == SqlType::varchar)
            result.length = number;
        else if (number != 6)
            return SqlError{sqlstate::feature_not_supported,
                            fmt::format("{}({}) is not supported", first, number), "use 6"};
        end += 3;
    }
    if (first == "timestamp" && (is(end, "with") || is(end, "without")) && is(end + 1, "time") &&
        is(end + 2, "zone")) {
        if (is(end, "with")) result.type = SqlType::timestamptz;
        end += 3;
    }
    if (is(end, "[")) return SqlError{sqlstate::feature_not_supported, "arrays are not supported"};
    result.tokens = end - at;
    return result;
}

std::string declared_type(SqlType type, bool serial) {
    if (serial) return "INTEGER";  // the one spelling that makes SQLite number rows itself
    switch (type) {
        case SqlType::boolean:
            return "BOOLEAN";
        case SqlType::bytea:
            return "BYTEA";
        case SqlType::int8:
            return "BIGINT";
        case SqlType::int2:
            return "SMALLINT";
        case SqlType::int4:
            return "INT";
        case SqlType::float8:
            return "DOUBLE PRECISION";
        case SqlType::varchar:
            return "VARCHAR";
        case SqlType::timestamp:
            return "TIMESTAMP";
        case SqlType::timestamptz:
            return "TIMESTAMPTZ";
        default:
            return "TEXT";
    }
}

SqlType type_from_declared(std::string_view declared) {
    if (equal_folded(declared, "integer")) return SqlType::int8;
    for (const SqlType type : {SqlType::boolean, SqlType::bytea, SqlType::int8, SqlType::int2, SqlType::int4,
                               SqlType::float8, SqlType::varchar, SqlType::timestamp, SqlType::timestamptz})
        if (declared == declared_type(type, false)) return type;
    return SqlType::text;
}

std::string column_checks(const std::string& quoted_column, const std::string& column, const TypeName& type) {
    std::string plain;
    for (const char c : column) plain += c == '"' ? '\'' : c;
    const auto check = [&](const char* state, const std::string& condition) {
        return fmt::format(" CONSTRAINT \"{} column {} of type {}\" CHECK ({})", state, plain,
                           type_name(type.type), condition);
    };
    const auto storage = [&](const char* name) {
        return check(sqlstate::bad_text, fmt::format("typeof({}) IN ('{}', 'null')", quoted_column, name));
    };
    const std::string timestamp_glob =
        digits_glob(4) + "-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]." + digits_glob(6);
    switch (type.type) {
        case SqlType::boolean:
            return check(sqlstate::bad_text, quoted_column + " IN (0, 1)");
        case SqlType::bytea:
            return storage("blob");
        case SqlType::int2:
            return storage("integer") +
                   check(sqlstate::out_of_range, quoted_column + " BETWEEN -32768 AND 32767");
        case SqlType::int4:
            return storage("integer") +
                   check(sqlstate::out_of_range, quoted_column + " BETWEEN -2147483648 AND 2147483647");
        case SqlType::int8:
            return storage("integer");
        case SqlType::float8:
            return storage("real");
        case SqlType::varchar:
            return storage("text") +
                   (type.length ? check(sqlstate::string_too_long,
                                        fmt::format("length({}) <= {}", quoted_column, *type.length))
                                : std::string());
        case SqlType::timestamp:
            return check(sqlstate::bad_timestamp, fmt::format("{} GLOB '{}'", quoted_column, timestamp_glob));
        case SqlType::timestamptz:
            return check(sqlstate::bad_timestamp,
                         fmt::format("{} GLOB '{}+00'", quoted_column, timestamp_glob));
        default:
            return storage("text");
    }
}

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
    using namespace std::chrono;
    std::size_t at = 0;
    std::int64_t year_number = 0, month_number = 0, day_number = 0, hour = 0, minute = 0, second = 0,
                 micro = 0, offset = 0;
    const auto skip = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };
    if (!read_digits(text, at, 4, year_number) || !skip('-') || !read_digits(text, at, 2, month_number) ||
        !skip('-') || !read_digits(text, at, 2, day_number))
        return std::nullopt;
    const year_month_day date{year(static_cast<int>(year_number)), month(static_cast<unsigned>(month_number)),
                              day(static_cast<unsigned>(day_number))};
    if (!date.ok() || year_number == 0) return std::nullopt;
    if (at < text.size()) {
        if (!skip(' ') && !skip('T')) return std::nullopt;
        if (!read_digits(text, at, 2, hour) || !skip(':') || !read_digits(text, at, 2, minute))
            return std::nullopt;
        if (skip(':') && !read_digits(text, at, 2, second)) return std::nullopt;
        if (skip('.')) {
            std::int64_t scale = 100'000;
            if (at >= text.size() || text[at] < '0' || text[at] > '9') return std::nullopt;
            for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
                if (scale == 0) return std::nullopt;  // finer than a microsecond
                micro += (text[at] - '0') * scale;
            }
        }
        if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
        if (!skip('Z') && at < text.size()) {
            const std::int64_t sign = text[at] == '-' ? -1 : 1;
            std::int64_t hours = 0, minutes = 0;
            if (!skip('+') && !skip('-')) return std::nullopt;
            if (!read_digits(text, at, 2, hours)) return std::nullopt;
            skip(':');
            if (at < text.size() && !read_digits(text, at, 2, minutes)) return std::nullopt;
            if (hours > 15 || minutes > 59) return std::nullopt;
            offset = sign * (hours * 3600 + minutes * 60);
        }
        if (at != text.size()) return std::nullopt;
    }
    const std::int64_t days = sys_days(date).time_since_epoch().count();
    return (days * 86'400 + hour * 3'600 + minute * 60 + second - offset) * 1'000'000 + micro;
}

std::string stored_timestamp(std::int64_t unix_microseconds, bool with_zone) {
    using namespace std::chrono;
    const sys_time<microseconds> when{microseconds(unix_microseconds)};
    const auto midnight = floor<days>(when);
    const year_month_day date(midnight);
    const hh_mm_ss time(when - midnight);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}{}", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count(),
                       with_zone ? "+00" : "");
}

std::string shown_timestamp(std::string_view stored) {
    const auto point = stored.find('.');
    if (point == std::string_view::npos || stored.size() < point + 7) return std::string(stored);
    std::size_t end = point + 7;
    while (stored[end - 1] == '0') --end;
    if (end == point + 1) --end;
    return std::string(stored.substr(0, end)) + std::string(stored.substr(point + 7));
}

std::optional<bool> parse_boolean(std::string_view text) {
    for (const std::string_view yes : {"t", "true", "y", "yes", "on", "1"})
        if (equal_folded(text, yes)) return true;
    for (const std::string_view no : {"f", "false", "n", "no", "off", "0"})
        if (equal_folded(text, no)) return false;
    return std::nullopt;
}

std::optional<std::string> parse_bytea(std::string_view text) {
    if (!text.starts_with("\\x")) {
        if (text.find('\\') != std::string_view::npos) return std::nullopt;
        return std::string(text);
    }
    text.remove_prefix(2);
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    int high = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        int digit = 0;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return std::nullopt;
        if (i % 2 == 0)
            high = digit * 16;
        else
            bytes += static_cast<char>(high + digit);
    }
    return bytes;
}

std::string show_bytea(std::string_view bytes) {
    std::string text = "\\x";
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

std::string show_double(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return fmt::format("{}", value);  // the shortest form that reads back the same
}

std::string big_endian_bytes(std::uint64_t value, int bytes) {
    std::string text;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        text += static_cast<char>(value >> shift & 0xff);
    return text;
}

std::int64_t from_big_endian(std::string_view bytes) {
    std::uint64_t value =
        !bytes.empty() && (bytes[0] & 0x80) != 0 ? std::numeric_limits<std::uint64_t>::max() : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

}  // namespace understudy::database
