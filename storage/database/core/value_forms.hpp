// SPDX-License-Identifier: Apache-2.0
// A value's three forms: stored in SQLite, text on the wire and binary on the wire (the types' input, output,
// recv and send functions of PostgreSQL). Every value that enters the service goes through here: literals,
// parameters, casts from text, COPY; every value that leaves it too. Stored are: boolean as 0 or 1; integers
// and oid as integers; floats as reals; bytea as a blob; the rest as text (see moments.hpp and numeric.hpp
// for their shapes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/types.hpp"

namespace understudy::database {

struct Numeric;

struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};
// monostate: NULL.
using Stored = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

SqlResult<Stored> input_text(Type type, std::string_view text);
SqlResult<Stored> input_binary(Type type, std::string_view bytes);
SqlError too_short();  // what a binary form is refused with that ends before it should
std::string output_text(SqlType type, const Stored& value);
SqlResult<std::string> output_binary(SqlType type, const Stored& value);

// A value of the type's stored form made to fit the modifier, as by assignment (a too long text is an error
// unless only blanks are cut) or by an explicit cast (it is cut).
SqlResult<Stored> fit(Type type, Stored value, bool explicit_cast);
SqlResult<Stored> fit(Type type, const Numeric& value);  // a numeric, rounded to the modifier's scale

// As SQLite writes it in a statement.
std::string sql_literal(const Stored& value);

std::string show_double(double value);  // the shortest text that reads back the same, as PostgreSQL writes it
std::string show_float(float value);
std::string show_bytea(std::string_view bytes);

// Characters of UTF-8 text, and the text's first `count`.
std::size_t character_count(std::string_view text);
std::string_view first_characters(std::string_view text, std::size_t count);
bool is_utf8(std::string_view text);

}  // namespace understudy::database
