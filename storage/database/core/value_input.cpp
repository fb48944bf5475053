// SPDX-License-Identifier: Apache-2.0
// What comes in: texts and binary forms to stored values (value_forms.hpp).
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "storage/database/core/arrays.hpp"
#include "storage/database/core/ascii.hpp"
#include "storage/database/core/bytes.hpp"
#include "storage/database/core/json_text.hpp"
#include "storage/database/core/moments.hpp"
#include "storage/database/core/numeric.hpp"
#include "storage/database/core/value_forms.hpp"

namespace understudy::database {
namespace {

// Whether it has a date's or a time's shape, so that only a number in it is wrong.
bool shaped_as_time(std::string_view text) {
    int digits = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9')
            ++digits;
        else if (std::string_view("-:.+ TZ").find(c) == std::string_view::npos)
            return false;
    }
    return digits >= 4 && text.find_first_of("-:") != std::string_view::npos;
}

SqlError bad_syntax(SqlType type, std::string_view text) {
    const bool time = is_moment(type) || type == SqlType::time || type == SqlType::interval;
    if (time && type != SqlType::interval && shaped_as_time(text))
        return {"22008", fmt::format("date/time field value out of range: \"{}\"", text)};
    const std::string name = type == SqlType::timestamp ? "timestamp"
                             : type == SqlType::time    ? "time"
                                                        : type_name(type);
    return {time ? sqlstate::bad_timestamp : sqlstate::bad_text,
            fmt::format("invalid input syntax for type {}: \"{}\"", name, text)};
}
SqlError out_of_range(SqlType type, std::string_view text) {
    return {sqlstate::out_of_range,
            fmt::format("value \"{}\" is out of range for type {}", text, type_name(type))};
}

SqlResult<Stored> input_integer(SqlType type, std::string_view text) {
    std::string_view digits = trimmed(text);
    if (digits.starts_with('+') && digits.size() > 1 && digits[1] != '-') digits.remove_prefix(1);
    std::int64_t value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end.ec == std::errc::result_out_of_range && end.ptr == digits.data() + digits.size())
        return out_of_range(type, text);
    if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size())
        return bad_syntax(type, text);
    const bool fits =
        type == SqlType::int8 ||
        (type == SqlType::int4 && value >= -2'147'483'648LL && value <= 2'147'483'647LL) ||
        (type == SqlType::int2 && value >= -32'768 && value <= 32'767) ||
        (type != SqlType::int4 && type != SqlType::int2 && value >= 0 && value <= 4'294'967'295LL);
    if (!fits) return out_of_range(type, text);
    return Stored(value);
}

SqlResult<Stored> input_float(SqlType type, std::string_view text) {
    std::string_view digits = trimmed(text);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || end.ptr != digits.data() + digits.size() || end.ec == std::errc::invalid_argument)
        return bad_syntax(type, text);
    if (end.ec != std::errc()) return out_of_range(type, text);
    // SQLite stores no NaN.
    if (std::isnan(value)) return unsupported(fmt::format("NaN in type {}", type_name(type)));
    if (type == SqlType::float4) value = static_cast<double>(static_cast<float>(value));
    return Stored(value);
}

std::optional<bool> parse_boolean(std::string_view text) {
    std::string word;
    for (const char c : trimmed(text)) word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (word.empty()) return std::nullopt;
    // Unique beginnings count.
    for (const std::string_view yes : {"true", "yes"})
        if (yes.starts_with(word)) return true;
    for (const std::string_view no : {"false", "no"})
        if (no.starts_with(word)) return false;
    if (word == "on" || word == "1") return true;
    if (word == "off" || word == "of" || word == "0") return false;
    return std::nullopt;
}

std::optional<std::string> parse_bytea(std::string_view text) {
    std::string bytes;
    if (text.starts_with("\\x")) {
        text.remove_prefix(2);
        for (std::size_t i = 0; i < text.size(); i += 2) {
            if (text[i] == ' ' || text[i] == '\n') {
                --i;
                continue;
            }
            if (i + 1 >= text.size() || hex_digit(text[i]) < 0 || hex_digit(text[i + 1]) < 0)
                return std::nullopt;
            bytes += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
        }
        return bytes;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '\\') {
            bytes += '\\';
            ++i;
        } else {
            int value = 0;
            if (i + 3 >= text.size() || text[i + 1] > '3') return std::nullopt;
            for (std::size_t digit = 1; digit <= 3; ++digit) {
                if (text[i + digit] < '0' || text[i + digit] > '7') return std::nullopt;
                value = value * 8 + (text[i + digit] - '0');
            }
            bytes += static_cast<char>(value);
            i += 3;
        }
    }
    return bytes;
}

std::optional<std::string> parse_uuid(std::string_view text) {
    std::string digits;
    text = trimmed(text);
    if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
    for (const char c : text) {
        if (c == '-') continue;
        if (hex_digit(c) < 0) return std::nullopt;
        digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (digits.size() != 32) return std::nullopt;
    for (const std::size_t at : {20u, 16u, 12u, 8u}) digits.insert(at, "-");
    return digits;
}

template <typename T>
SqlResult<Stored> stored_or(SqlType type, std::string_view text, const std::optional<T>& value,
                            auto&& stored) {
    if (!value) return bad_syntax(type, text);
    return Stored(stored(*value));
}

}  // namespace

SqlResult<Stored> input_text(Type type, std::string_view text) {
    if (is_array(type.type)) return input_array(type, text);
    switch (type.type) {
        case SqlType::boolean:
            return stored_or(type.type, text, parse_boolean(text),
                             [](bool truth) { return std::int64_t{truth}; });
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8:
        case SqlType::oid:
        case SqlType::regclass:
        case SqlType::regtype:
            return input_integer(type.type, text);
        case SqlType::float4:
        case SqlType::float8:
            return input_float(type.type, text);
        case SqlType::bytea:
            if (text.starts_with("\\x") && !parse_bytea(text)) {
                for (const char c : text.substr(2))
                    if (hex_digit(c) < 0 && c != ' ' && c != '\n')
                        return SqlError{"22023", fmt::format("invalid hexadecimal digit: \"{}\"", c)};
                return SqlError{"22023", "invalid hexadecimal data: odd number of digits"};
            }
            return stored_or(type.type, text, parse_bytea(text),
                             [](const std::string& bytes) { return Blob{bytes}; });
        case SqlType::numeric: {
            const auto value = parse_numeric(text);
            if (!value && (trimmed(text) == "NaN" || trimmed(text).ends_with("nfinity")))
                return unsupported(fmt::format("{} in type numeric", trimmed(text)));
            if (!value) return bad_syntax(type.type, text);
            return fit(type, *value);
        }
        case SqlType::timestamp:
        case SqlType::timestamptz:
            return stored_or(type.type, text, parse_timestamp(text), [&](std::int64_t us) {
                return stored_timestamp(us, type.type == SqlType::timestamptz);
            });
        case SqlType::date:
            return stored_or(type.type, text, parse_date(text), stored_date);
        case SqlType::time:
            return stored_or(type.type, text, parse_time(text), stored_time);
        case SqlType::interval:
            return stored_or(type.type, text, parse_interval(text), stored_interval);
        case SqlType::uuid:
            return stored_or(type.type, text, parse_uuid(text), [](const std::string& id) { return id; });
        case SqlType::json:
        case SqlType::jsonb:
            return stored_json(text, type.type == SqlType::jsonb);
        default:
            if (text.find('\0') != std::string_view::npos || !is_utf8(text))
                return SqlError{"22021", "invalid byte sequence for encoding \"UTF8\""};
            return fit(type, Stored(std::string(text)), false);
    }
}

SqlError too_short() {
    return {sqlstate::protocol_violation, "insufficient data left in message"};
}

SqlResult<Stored> input_binary(Type type, std::string_view bytes) {
    if (is_array(type.type)) return input_array_binary(type, bytes);
    const SqlError wrong{sqlstate::bad_binary,
                         fmt::format("incorrect binary data format for type {}", type_name(type.type))};
    const std::int16_t size = type_bytes(type.type);
    if (size > 0 && type.type != SqlType::name && bytes.size() != static_cast<std::size_t>(size))
        return bytes.size() < static_cast<std::size_t>(size) ? too_short() : wrong;
    switch (type.type) {
        case SqlType::boolean:
            return Stored(std::int64_t{bytes[0] != 0});
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8:
            return Stored(from_big_endian(bytes));
        case SqlType::oid:
        case SqlType::regclass:
        case SqlType::regtype:
            return Stored(from_big_endian(bytes) & 0xffff'ffff);
        case SqlType::float4:
            return input_float(
                type.type,
                show_float(std::bit_cast<float>(static_cast<std::uint32_t>(from_big_endian(bytes)))));
        case SqlType::float8: {
            const auto value = std::bit_cast<double>(from_big_endian(bytes));
            if (std::isnan(value)) return unsupported("NaN in type double precision");
            return Stored(value);
        }
        case SqlType::bytea:
            return Stored(Blob{std::string(bytes)});
        case SqlType::numeric: {
            const auto value = numeric_from_binary(bytes);
            if (!value) return wrong;
            return fit(type, *value);
        }
        case SqlType::timestamp:
        case SqlType::timestamptz: {
            std::int64_t us = 0;
            if (__builtin_add_overflow(from_big_endian(bytes), postgres_epoch_unix_us, &us) ||
                us < least_unix_us || us > greatest_unix_us)
                return out_of_range(type.type, "binary");
            return Stored(stored_timestamp(us, type.type == SqlType::timestamptz));
        }
        case SqlType::date: {
            const std::int64_t days = from_big_endian(bytes) + postgres_epoch_unix_days;
            if (days * us_per_day < least_unix_us || days * us_per_day > greatest_unix_us)
                return out_of_range(type.type, "binary");
            return Stored(stored_date(days));
        }
        case SqlType::time: {
            const std::int64_t us = from_big_endian(bytes);
            if (us < 0 || us > us_per_day) return wrong;
            return Stored(stored_time(us));
        }
        case SqlType::interval:
            return Stored(stored_interval({static_cast<std::int32_t>(from_big_endian(bytes.substr(12))),
                                           static_cast<std::int32_t>(from_big_endian(bytes.substr(8, 4))),
                                           from_big_endian(bytes.substr(0, 8))}));
        case SqlType::uuid: {
            std::string digits;
            for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
            return input_text(type, digits);
        }
        case SqlType::jsonb:
            if (bytes.empty() || bytes[0] != 1) return wrong;  // its version
            return input_text(type, bytes.substr(1));
        default:
            return input_text(type, bytes);
    }
}

}  // namespace understudy::database
