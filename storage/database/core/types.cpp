// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace understudy::database {
namespace {

struct Row {
    SqlType type;
    const char* name;      // as in pg_type.typname
    const char* shown;     // as format_type() says it
    const char* declared;  // in SQLite's schema
    std::int16_t bytes;
    SqlType element = SqlType::unknown;  // of an array
};
constexpr Row rows[] = {
    {SqlType::boolean, "bool", "boolean", "BOOLEAN", 1},
    {SqlType::bytea, "bytea", "bytea", "BYTEA", -1},
    {SqlType::single_char, "char", "\"char\"", "CHARACTER_TEXT", 1},
    {SqlType::name, "name", "name", "NAME_TEXT", 64},
    {SqlType::int8, "int8", "bigint", "BIGINT", 8},
    {SqlType::int2, "int2", "smallint", "SMALLINT", 2},
    {SqlType::int4, "int4", "integer", "INT", 4},
    {SqlType::text, "text", "text", "TEXT", -1},
    {SqlType::oid, "oid", "oid", "OID_INT", 4},
    {SqlType::json, "json", "json", "JSON_TEXT", -1},
    {SqlType::float4, "float4", "real", "REAL", 4},
    {SqlType::float8, "float8", "double precision", "DOUBLE PRECISION", 8},
    {SqlType::bpchar, "bpchar", "character", "CHAR", -1},
    {SqlType::varchar, "varchar", "character varying", "VARCHAR", -1},
    {SqlType::date, "date", "date", "DATE", 4},
    {SqlType::time, "time", "time without time zone", "TIME", 8},
    {SqlType::timestamp, "timestamp", "timestamp without time zone", "TIMESTAMP", 8},
    {SqlType::timestamptz, "timestamptz", "timestamp with time zone", "TIMESTAMPTZ", 8},
    {SqlType::interval, "interval", "interval", "INTERVAL_TEXT", 16},
    {SqlType::numeric, "numeric", "numeric", "NUMERIC_TEXT", -1},
    {SqlType::regclass, "regclass", "regclass", "REGCLASS_INT", 4},
    {SqlType::regtype, "regtype", "regtype", "REGTYPE_INT", 4},
    {SqlType::uuid, "uuid", "uuid", "UUID_TEXT", 16},
    {SqlType::jsonb, "jsonb", "jsonb", "JSONB_TEXT", -1},
    {SqlType::boolean_array, "_bool", "", "BOOLEAN_ARRAY", -1, SqlType::boolean},
    {SqlType::bytea_array, "_bytea", "", "BYTEA_ARRAY", -1, SqlType::bytea},
    {SqlType::name_array, "_name", "", "NAME_ARRAY", -1, SqlType::name},
    {SqlType::int2_array, "_int2", "", "INT2_ARRAY", -1, SqlType::int2},
    {SqlType::int4_array, "_int4", "", "INT4_ARRAY", -1, SqlType::int4},
    {SqlType::text_array, "_text", "", "TEXT_ARRAY", -1, SqlType::text},
    {SqlType::varchar_array, "_varchar", "", "VARCHAR_ARRAY", -1, SqlType::varchar},
    {SqlType::int8_array, "_int8", "", "INT8_ARRAY", -1, SqlType::int8},
    {SqlType::float4_array, "_float4", "", "FLOAT4_ARRAY", -1, SqlType::float4},
    {SqlType::float8_array, "_float8", "", "FLOAT8_ARRAY", -1, SqlType::float8},
    {SqlType::oid_array, "_oid", "", "OID_ARRAY", -1, SqlType::oid},
    {SqlType::timestamp_array, "_timestamp", "", "TIMESTAMP_ARRAY", -1, SqlType::timestamp},
    {SqlType::date_array, "_date", "", "DATE_ARRAY", -1, SqlType::date},
    {SqlType::time_array, "_time", "", "TIME_ARRAY", -1, SqlType::time},
    {SqlType::timestamptz_array, "_timestamptz", "", "TIMESTAMPTZ_ARRAY", -1, SqlType::timestamptz},
    {SqlType::interval_array, "_interval", "", "INTERVAL_ARRAY", -1, SqlType::interval},
    {SqlType::numeric_array, "_numeric", "", "NUMERIC_ARRAY", -1, SqlType::numeric},
    {SqlType::uuid_array, "_uuid", "", "UUID_ARRAY", -1, SqlType::uuid},
    {SqlType::json_array, "_json", "", "JSON_ARRAY", -1, SqlType::json},
    {SqlType::jsonb_array, "_jsonb", "", "JSONB_ARRAY", -1, SqlType::jsonb},
};
struct Alias {
    const char* name;
    SqlType type;
};
constexpr Alias aliases[] = {{"boolean", SqlType::boolean},  {"bigint", SqlType::int8},
                             {"integer", SqlType::int4},     {"int", SqlType::int4},
                             {"smallint", SqlType::int2},    {"real", SqlType::float4},
                             {"decimal", SqlType::numeric},  {"character", SqlType::bpchar},
                             {"regproc", SqlType::regclass}, {"regnamespace", SqlType::regclass},
                             {"cstring", SqlType::text}};

const Row* row_of(SqlType type) {
    for (const auto& row : rows)
        if (row.type == type) return &row;
    return nullptr;
}

bool equal_folded(std::string_view text, std::string_view upper_case) {
    if (text.size() != upper_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]) != upper_case[i]) return false;
    return true;
}

}  // namespace

std::int32_t length_typmod(std::int64_t length) {
    return static_cast<std::int32_t>(length) + 4;
}
std::optional<std::int64_t> typmod_length(std::int32_t typmod) {
    if (typmod < 4) return std::nullopt;
    return typmod - 4;
}
std::int32_t numeric_typmod(std::int64_t precision, std::int64_t scale) {
    return static_cast<std::int32_t>((precision << 16 | (scale & 0x7ff)) + 4);
}
std::optional<NumericLimits> typmod_numeric(std::int32_t typmod) {
    if (typmod < 4) return std::nullopt;
    const std::int32_t coded = typmod - 4;
    return NumericLimits{coded >> 16, ((coded & 0x7ff) ^ 1024) - 1024};
}

std::optional<SqlType> array_of(SqlType element) {
    for (const auto& row : rows)
        if (element != SqlType::unknown && row.element == element) return row.type;
    return std::nullopt;
}
std::optional<SqlType> element_of(SqlType array) {
    const Row* row = row_of(array);
    if (row == nullptr || row->element == SqlType::unknown) return std::nullopt;
    return row->element;
}

std::vector<TypeDescription> all_types() {
    std::vector<TypeDescription> all;
    for (const auto& row : rows) all.push_back({row.type, row.name, row.bytes});
    std::sort(all.begin(), all.end(),
              [](const TypeDescription& a, const TypeDescription& b) { return a.type < b.type; });
    return all;
}

std::int16_t type_bytes(SqlType type) {
    const Row* row = row_of(type);
    return row == nullptr ? static_cast<std::int16_t>(-2) : row->bytes;
}

std::string type_name(SqlType type) {
    const Row* row = row_of(type);
    if (row == nullptr) return "unknown";
    return row->element == SqlType::unknown ? row->shown : type_name(row->element) + "[]";
}

std::string type_name(Type type) {
    if (const auto element = element_of(type.type)) return type_name(Type{*element, type.typmod}) + "[]";
    if (type.type == SqlType::numeric) {
        if (const auto limits = typmod_numeric(type.typmod))
            return fmt::format("numeric({},{})", limits->precision, limits->scale);
    } else if (type.type == SqlType::varchar || type.type == SqlType::bpchar) {
        if (const auto length = typmod_length(type.typmod))
            return fmt::format("{}({})", type_name(type.type), *length);
    }
    return type_name(type.type);
}

std::optional<SqlType> type_from_name(std::string_view name) {
    for (const auto& row : rows)
        if (name == row.name) return row.type;
    for (const auto& alias : aliases)
        if (name == alias.name) return alias.type;
    return std::nullopt;
}

std::optional<SqlType> type_from_oid(std::uint32_t oid) {
    if (oid == 0 || oid == 705) return SqlType::unknown;  // 705 "unknown": a literal without a type
    for (const auto& row : rows)
        if (static_cast<std::uint32_t>(row.type) == oid) return row.type;
    return std::nullopt;
}

bool is_integer(SqlType type) {
    return type == SqlType::int2 || type == SqlType::int4 || type == SqlType::int8;
}
bool is_number(SqlType type) {
    return is_integer(type) || type == SqlType::float4 || type == SqlType::float8 || type == SqlType::numeric;
}
bool is_text(SqlType type) {
    return type == SqlType::text || type == SqlType::varchar || type == SqlType::bpchar ||
           type == SqlType::name || type == SqlType::single_char;
}
bool is_moment(SqlType type) {
    return type == SqlType::date || type == SqlType::timestamp || type == SqlType::timestamptz;
}

std::string declared_type(Type type) {
    const Row* row = row_of(type.type);
    const std::string name = row == nullptr ? "TEXT" : row->declared;
    return type.typmod < 0 ? name : fmt::format("{}({})", name, type.typmod);
}

Type type_from_declared(std::string_view declared) {
    if (equal_folded(declared, "INTEGER")) return {SqlType::int8, -1};
    Type result{SqlType::text, -1};
    if (const auto open = declared.find('('); open != std::string_view::npos) {
        const std::string_view digits = declared.substr(open + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), result.typmod);
        declared = declared.substr(0, open);
    }
    for (const auto& row : rows)
        if (equal_folded(declared, row.declared)) result.type = row.type;
    return result;
}

std::string_view collation_of(SqlType type) {
    if (type == SqlType::numeric) return "understudy_numeric";
    if (type == SqlType::interval) return "understudy_interval";
    if (type == SqlType::bpchar) return "RTRIM";
    const auto element = element_of(type);
    if (!element) return {};
    if (is_integer(*element) || *element == SqlType::numeric || *element == SqlType::oid)
        return "understudy_array_numbers";
    if (*element == SqlType::float4 || *element == SqlType::float8) return "understudy_array_reals";
    return *element == SqlType::interval ? "understudy_array_intervals" : "understudy_array";
}

}  // namespace understudy::database
