// SPDX-License-Identifier: Apache-2.0
// What goes out: stored values to texts and binary forms, and values made to fit a modifier
// (value_forms.hpp).
#include <fmt/format.h>

#include <bit>

#include "storage/database/core/arrays.hpp"
#include "storage/database/core/bytes.hpp"
#include "storage/database/core/moments.hpp"
#include "storage/database/core/numeric.hpp"
#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

std::string output_text(SqlType type, const Stored& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        if (type == SqlType::boolean) return *number != 0 ? "t" : "f";
        return std::to_string(*number);
    }
    if (const auto* real = std::get_if<double>(&value))
        return type == SqlType::float4 ? show_float(static_cast<float>(*real)) : show_double(*real);
    if (const auto* blob = std::get_if<Blob>(&value)) return show_bytea(blob->bytes);
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return {};
    if (is_array(type)) return output_array(type, *text);
    if (type == SqlType::timestamp || type == SqlType::timestamptz || type == SqlType::time)
        return shown_timestamp(*text);
    if (type == SqlType::interval)
        if (const auto interval = read_interval(*text)) return shown_interval(*interval);
    return *text;
}

SqlResult<std::string> output_binary(SqlType type, const Stored& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* real = std::get_if<double>(&value);
    const auto* text = std::get_if<std::string>(&value);
    const auto integer = [](std::int64_t content, int bytes) {
        return big_endian_bytes(static_cast<std::uint64_t>(content), bytes);
    };
    const SqlError mismatch{sqlstate::internal_error,
                            fmt::format("a stored value is not of type {}", type_name(type))};
    switch (type) {
        case SqlType::boolean:
            if (number == nullptr) return mismatch;
            return std::string(1, *number != 0 ? '\1' : '\0');
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8:
        case SqlType::oid:
        case SqlType::regclass:
        case SqlType::regtype:
            if (number == nullptr) return mismatch;
            return integer(*number, type_bytes(type));
        case SqlType::float4:
        case SqlType::float8: {
            // RETURNING gives a whole real as an integer, which is how SQLite stores it.
            if (real == nullptr && number == nullptr) return mismatch;
            const double content = real != nullptr ? *real : static_cast<double>(*number);
            if (type == SqlType::float8) return integer(std::bit_cast<std::int64_t>(content), 8);
            return integer(std::bit_cast<std::int32_t>(static_cast<float>(content)), 4);
        }
        case SqlType::bytea:
            if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes;
            return mismatch;
        default:
            break;
    }
    if (text == nullptr) return mismatch;
    if (is_array(type)) return output_array_binary(type, *text);
    switch (type) {
        case SqlType::numeric: {
            const auto content = parse_numeric(*text);
            if (!content) return mismatch;
            return numeric_to_binary(*content);
        }
        case SqlType::timestamp:
        case SqlType::timestamptz: {
            const auto us = parse_timestamp(*text);
            if (!us) return mismatch;
            return integer(*us - postgres_epoch_unix_us, 8);
        }
        case SqlType::date: {
            const auto days = parse_date(*text);
            if (!days) return mismatch;
            return integer(*days - postgres_epoch_unix_days, 4);
        }
        case SqlType::time: {
            const auto us = parse_time(*text);
            if (!us) return mismatch;
            return integer(*us, 8);
        }
        case SqlType::interval: {
            const auto interval = read_interval(*text);
            if (!interval) return mismatch;
            return integer(interval->us, 8) + integer(interval->days, 4) + integer(interval->months, 4);
        }
        case SqlType::uuid: {
            std::string bytes;
            for (std::size_t i = 0; i + 1 < text->size(); i += (*text)[i] == '-' ? 1 : 2)
                if ((*text)[i] != '-')
                    bytes += static_cast<char>(hex_digit((*text)[i]) * 16 + hex_digit((*text)[i + 1]));
            return bytes;
        }
        case SqlType::jsonb:
            return "\1" + *text;
        default:
            return *text;
    }
}

SqlResult<Stored> fit(Type type, const Numeric& value) {
    if (type.typmod < 0) return Stored(show(value));
    const auto result = fitted(value, type.typmod);
    if (!result)
        return SqlError{sqlstate::out_of_range, "numeric field overflow",
                        fmt::format("{} does not fit {}", show(value), type_name(type))};
    return Stored(show(*result));
}

SqlResult<Stored> fit(Type type, Stored value, bool explicit_cast) {
    auto* text = std::get_if<std::string>(&value);
    if (text == nullptr || type.typmod < 0) return value;
    if (is_array(type.type)) return fit_array(type, *text, explicit_cast);
    if (type.type == SqlType::numeric) {
        const auto number = parse_numeric(*text);
        if (!number) return SqlError{sqlstate::bad_text, fmt::format("'{}' is no stored numeric", *text)};
        return fit(type, *number);
    }
    if (type.type != SqlType::varchar && type.type != SqlType::bpchar) return value;
    const auto length = static_cast<std::size_t>(typmod_length(type.typmod).value_or(0));
    const std::size_t count = character_count(*text);
    if (count > length) {
        const std::string_view kept = first_characters(*text, length);
        if (!explicit_cast && text->find_first_not_of(' ', kept.size()) != std::string::npos)
            return SqlError{sqlstate::string_too_long,
                            fmt::format("value too long for type {}", type_name(type))};
        text->resize(kept.size());
    } else if (type.type == SqlType::bpchar) {
        text->append(length - count, ' ');
    }
    return value;
}

}  // namespace understudy::database
