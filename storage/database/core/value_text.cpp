// SPDX-License-Identifier: Apache-2.0
// How values are written (value_forms.hpp): floats as PostgreSQL writes them, bytes, literals of SQLite; and
// UTF-8.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "storage/database/core/value_forms.hpp"

namespace understudy::database {
namespace {

// Digits "d.ddde±x" of std::to_chars as PostgreSQL lays them out: plain from 1e-4 up to 10^plain_digits.
std::string lay_out(std::string_view scientific, int plain_digits) {
    const auto e = scientific.find('e');
    int exponent = 0;
    const std::string_view tail = scientific.substr(e + 1);
    std::from_chars(tail.data() + (tail[0] == '+' ? 1 : 0), tail.data() + tail.size(), exponent);
    const bool negative = scientific[0] == '-';
    std::string digits;
    for (const char c : scientific.substr(0, e))
        if (c >= '0' && c <= '9') digits += c;
    std::string text = negative ? "-" : "";
    if (exponent < -4 || exponent >= plain_digits) {
        text += digits[0];
        if (digits.size() > 1) text += "." + digits.substr(1);
        return text + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0) return text + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return text + digits + std::string(whole - digits.size(), '0');
    return text + digits.substr(0, whole) + "." + digits.substr(whole);
}

template <typename Real>
std::string show_real(Real value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    if (value == 0) return std::signbit(value) ? "-0" : "0";
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    return lay_out({buffer, static_cast<std::size_t>(end.ptr - buffer)}, sizeof(Real) == 4 ? 6 : 15);
}

}  // namespace

std::string show_double(double value) {
    return show_real(value);
}
std::string show_float(float value) {
    return show_real(value);
}

std::string show_bytea(std::string_view bytes) {
    constexpr char hex[] = "0123456789abcdef";
    std::string text = "\\x";
    text.reserve(bytes.size() * 2 + 2);
    for (const char byte : bytes) {
        text += hex[static_cast<unsigned char>(byte) >> 4];
        text += hex[byte & 0xf];
    }
    return text;
}

std::size_t character_count(std::string_view text) {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

std::string_view first_characters(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (; at < text.size(); ++at)
        if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && count-- == 0) break;
    return text.substr(0, at);
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first >= 0xf5 || (first >= 0x80 && first < 0xc2) || at + size > text.size()) return false;
        for (std::size_t i = 1; i < size; ++i)
            if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
        const auto second = size > 1 ? static_cast<unsigned char>(text[at + 1]) : 0x80;
        // Overlong forms, surrogates, beyond U+10FFFF.
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
            (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
            return false;
        at += size;
    }
    return true;
}

std::string sql_literal(const Stored& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        // SQLite reads the least integer's digits as a real.
        if (*number == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807 - 1)";
        return std::to_string(*number);
    }
    if (const auto* real = std::get_if<double>(&value)) {
        if (std::isinf(*real)) return *real > 0 ? "9e999" : "-9e999";
        return fmt::format("{:.17e}", *real);
    }
    if (const auto* blob = std::get_if<Blob>(&value)) {
        std::string text = "x'";
        for (const char byte : blob->bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
        return text + "'";
    }
    if (const auto* content = std::get_if<std::string>(&value)) {
        std::string text = "'";
        for (const char c : *content) text += c == '\'' ? std::string("''") : std::string(1, c);
        return text + "'";
    }
    return "NULL";
}

}  // namespace understudy::database
