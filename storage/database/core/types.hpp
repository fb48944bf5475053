// SPDX-License-Identifier: Apache-2.0
// The SQL types that the service knows: PostgreSQL's OIDs, names and type modifiers, and the names that stand
// for them in SQLite's schema (PostgreSQL manual chapter 8; OIDs from pg_type.dat).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::database {

enum class SqlType : std::uint32_t {
    unknown = 0,  // a literal or parameter whose surroundings have yet to say
    boolean = 16,
    bytea = 17,
    single_char = 18,  // "char", in the catalogs
    name = 19,
    int8 = 20,
    int2 = 21,
    int4 = 23,
    text = 25,
    oid = 26,
    json = 114,
    float4 = 700,
    float8 = 701,
    bpchar = 1042,
    varchar = 1043,
    date = 1082,
    time = 1083,
    timestamp = 1114,
    timestamptz = 1184,
    interval = 1186,
    numeric = 1700,
    regclass = 2205,
    regtype = 2206,
    uuid = 2950,
    jsonb = 3802,
    json_array = 199,
    boolean_array = 1000,
    bytea_array = 1001,
    name_array = 1003,
    int2_array = 1005,
    int4_array = 1007,
    text_array = 1009,
    varchar_array = 1015,
    int8_array = 1016,
    float4_array = 1021,
    float8_array = 1022,
    oid_array = 1028,
    timestamp_array = 1115,
    date_array = 1182,
    time_array = 1183,
    timestamptz_array = 1185,
    interval_array = 1187,
    numeric_array = 1231,
    uuid_array = 2951,
    jsonb_array = 3807,
};

// A type with its modifier as PostgreSQL codes it (atttypmod): length + 4 of varchar and char, precision and
// scale of numeric; -1 where there is none.
struct Type {
    SqlType type = SqlType::unknown;
    std::int32_t typmod = -1;
    bool operator==(const Type&) const = default;
};

std::int32_t length_typmod(std::int64_t length);
std::optional<std::int64_t> typmod_length(std::int32_t typmod);
std::int32_t numeric_typmod(std::int64_t precision, std::int64_t scale);
struct NumericLimits {
    std::int32_t precision = 0;
    std::int32_t scale = 0;
};
std::optional<NumericLimits> typmod_numeric(std::int32_t typmod);

// Of the types whose arrays are known: int4[] and int4, and back.
std::optional<SqlType> array_of(SqlType element);
std::optional<SqlType> element_of(SqlType array);
inline bool is_array(SqlType type) {
    return element_of(type).has_value();
}

std::int16_t type_bytes(SqlType type);  // on the wire; -1: of any length
std::string type_name(SqlType type);    // as format_type() says it: "character varying"
std::string type_name(Type type);       // with its modifier: "numeric(10,2)"
// By a name that a statement or catalog uses: "int4", "varchar", "timestamptz". Serial types aren't among
// them.
std::optional<SqlType> type_from_name(std::string_view name);
std::optional<SqlType> type_from_oid(std::uint32_t oid);

// All of them, in the order of their OIDs.
struct TypeDescription {
    SqlType type;
    std::string name;  // pg_type.typname
    std::int16_t bytes;
};
std::vector<TypeDescription> all_types();

bool is_integer(SqlType type);
bool is_number(SqlType type);
bool is_text(SqlType type);    // text, varchar, char(n), name
bool is_moment(SqlType type);  // date, timestamp, timestamptz

// SQLite's declared type, and back. The name decides how SQLite stores what it is given, so a numeric and a
// JSON document are declared as some kind of TEXT: their characters have to stay as they are.
std::string declared_type(Type type);
Type type_from_declared(std::string_view declared);
// The collation by which stored values of this type compare as the type does; empty: byte by byte does.
std::string_view collation_of(SqlType type);

}  // namespace understudy::database
