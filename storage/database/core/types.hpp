// SPDX-License-Identifier: Apache-2.0
// The SQL types that the service knows: PostgreSQL's OIDs and names, the names and checks that stand for them
// in SQLite's schema, and their text and binary forms on the wire (PostgreSQL manual chapter 8; binary as in
// *send/*recv). Stored forms: boolean 0 or 1; timestamps as text of fixed width in UTC with microseconds
// ('2026-01-31 12:00:00.000000+00'; without '+00' for timestamp), which compares as time does; bytea as a
// blob.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/tokens.hpp"

namespace understudy::database {

enum class SqlType : std::uint32_t {
    unknown = 0,
    boolean = 16,
    bytea = 17,
    int8 = 20,
    int2 = 21,
    int4 = 23,
    text = 25,
    float8 = 701,
    varchar = 1043,
    timestamp = 1114,
    timestamptz = 1184,
    numeric = 1700,  // as a result only
};

std::int16_t type_bytes(SqlType type);
std::string type_name(SqlType type);
std::optional<SqlType> type_from_oid(std::uint32_t oid);

struct TypeName {
    SqlType type = SqlType::text;
    std::optional<std::int64_t> length;  // of varchar(n)
    bool serial = false;
    std::size_t tokens = 0;  // how many the name takes
};
// The type name that starts at tokens[at]. One that isn't known is refused by its name.
SqlResult<TypeName> read_type_name(const std::vector<Token>& tokens, std::size_t at);

// SQLite's declared type, and back.
std::string declared_type(SqlType type, bool serial);
SqlType type_from_declared(std::string_view declared);
// Constraints that keep values of another type out of the column; a violated one's name begins with its
// SQLSTATE.
std::string column_checks(const std::string& quoted_column, const std::string& column, const TypeName& type);

// Microseconds since 1970, UTC. Accepts ISO 8601 with a blank or a 'T', with or without fraction and offset.
std::optional<std::int64_t> parse_timestamp(std::string_view text);
std::string stored_timestamp(std::int64_t unix_microseconds, bool with_zone);
std::string shown_timestamp(std::string_view stored);  // PostgreSQL shows no trailing zeros of the fraction

std::optional<bool> parse_boolean(std::string_view text);
std::optional<std::string> parse_bytea(
    std::string_view text);  // '\x0a0b' or escape format without backslashes
std::string show_bytea(std::string_view bytes);
std::string show_double(double value);

std::string big_endian_bytes(std::uint64_t value, int bytes);
std::int64_t from_big_endian(std::string_view bytes);              // sign-extended
constexpr std::int64_t postgres_epoch_unix_seconds = 946'684'800;  // 2000-01-01 UTC

}  // namespace understudy::database
