// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's numeric: exact decimals with a scale that is shown ("1.10" has scale 2 and equals "1.1"). The
// rules of results follow numeric.c of PostgreSQL 15: sums have the larger scale, products the sum of scales,
// quotients at least 16 significant digits. NaN and infinities aren't supported. At most max_digits digits,
// then no value.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::database {

struct Numeric {
    boost::multiprecision::cpp_int digits;  // the value times 10^scale
    std::int32_t scale = 0;
};

constexpr std::size_t max_digits = 4'000;
constexpr std::int32_t max_scale = 1'000;

std::optional<Numeric> parse_numeric(std::string_view text);  // '-12.50', '1e3'
std::string show(const Numeric& value);
Numeric numeric_from(std::int64_t value);

Numeric operator+(const Numeric& left, const Numeric& right);
Numeric operator-(const Numeric& left, const Numeric& right);
std::optional<Numeric> multiply(const Numeric& left, const Numeric& right);
std::optional<Numeric> divide(const Numeric& left, const Numeric& right);  // right isn't zero
Numeric remainder(const Numeric& left, const Numeric& right);              // right isn't zero
int compare(const Numeric& left, const Numeric& right);                    // below, at or above zero
// The same for stored texts, without an error: what isn't a number compares byte by byte.
int compare_numeric_texts(std::string_view left, std::string_view right);

Numeric rounded(const Numeric& value, std::int32_t scale);    // half away from zero; a negative scale: tens
Numeric truncated(const Numeric& value, std::int32_t scale);  // towards zero
Numeric floor(const Numeric& value);
Numeric ceiling(const Numeric& value);
std::optional<std::int64_t> to_int64(const Numeric& value);  // rounded; nothing when out of range
// Rounded to the scale of a type modifier; nothing when it doesn't fit its precision.
std::optional<Numeric> fitted(const Numeric& value, std::int32_t typmod);

// numeric_send and numeric_recv: base 10000 digits.
std::string numeric_to_binary(const Numeric& value);
std::optional<Numeric> numeric_from_binary(std::string_view bytes);

}  // namespace understudy::database
