// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/numeric.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "storage/database/core/types.hpp"

namespace understudy::database {
namespace {

using boost::multiprecision::cpp_int;

// So many decimal digits always fit in 64 bits: numbers of everyday size are handled as machine words, as
// asking cpp_int for its digits divides it again and again.
constexpr std::size_t word_digits = 18;

std::uint64_t word_from(std::string_view digits) {  // at most word_digits
    std::uint64_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return value;
}

std::string digits_of(const cpp_int& value) {  // without its sign
    const cpp_int magnitude = abs(value);
    if (magnitude <= std::numeric_limits<std::uint64_t>::max())
        return std::to_string(static_cast<std::uint64_t>(magnitude));
    return magnitude.str();
}

cpp_int power_of_ten(std::int32_t exponent) {
    if (exponent <= static_cast<std::int32_t>(word_digits)) {
        std::uint64_t power = 1;
        for (; exponent > 0; --exponent) power *= 10;
        return power;
    }
    return boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(exponent));
}

cpp_int at_scale(const Numeric& value, std::int32_t scale) {
    return scale == value.scale ? value.digits : value.digits * power_of_ten(scale - value.scale);
}

// The place of the first digit that isn't zero (0: ones, -1: tenths), and whether there is one.
std::optional<std::int32_t> magnitude(const Numeric& value) {
    if (value.digits == 0) return std::nullopt;
    return static_cast<std::int32_t>(digits_of(value.digits).size()) - 1 - value.scale;
}

// As numeric.c counts: groups of four digits, aligned at the point.
struct Groups {
    std::int32_t weight = 0;       // of the first group
    std::int32_t first_group = 0;  // its value
};
Groups groups_of(const Numeric& value) {
    const auto place = magnitude(value);
    if (!place) return {};
    const std::int32_t weight = *place >= 0 ? *place / 4 : -((3 - *place) / 4);
    const std::string text = digits_of(value.digits);
    const std::int32_t count = *place - weight * 4 + 1;  // of the text's digits in the first group
    std::int32_t group = 0;
    for (std::int32_t i = 0; i < count; ++i)
        group = group * 10 +
                (static_cast<std::size_t>(i) < text.size() ? text[static_cast<std::size_t>(i)] - '0' : 0);
    return {weight, group};
}

}  // namespace

std::optional<Numeric> parse_numeric(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    std::int32_t exponent = 0;
    if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
        std::string_view tail = text.substr(e + 1);
        if (tail.starts_with('+')) tail.remove_prefix(1);
        const auto end = std::from_chars(tail.data(), tail.data() + tail.size(), exponent);
        if (tail.empty() || end.ec != std::errc() || end.ptr != tail.data() + tail.size())
            return std::nullopt;
        text = text.substr(0, e);
    }
    std::string digits;
    std::int32_t scale = 0;
    bool point = false, any = false;
    if (text.size() > max_digits || exponent > 4'000 || exponent < -max_scale) return std::nullopt;
    for (const char c : text) {
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            any = true;
            if (!digits.empty() || c != '0') digits += c;
            if (point) ++scale;
        } else {
            return std::nullopt;
        }
    }
    if (!any) return std::nullopt;
    scale -= exponent;
    if (scale < 0) {
        if (!digits.empty()) digits.append(static_cast<std::size_t>(-scale), '0');
        scale = 0;
    }
    if (scale > max_scale || digits.size() > max_digits) return std::nullopt;
    Numeric result{digits.size() <= word_digits ? cpp_int(word_from(digits)) : cpp_int(digits), scale};
    if (negative) result.digits = -result.digits;
    return result;
}

std::string show(const Numeric& value) {
    std::string text = digits_of(value.digits);
    if (value.scale > 0) {
        const auto scale = static_cast<std::size_t>(value.scale);
        if (text.size() <= scale) text.insert(0, scale + 1 - text.size(), '0');
        text.insert(text.size() - scale, ".");
    }
    return value.digits < 0 ? "-" + text : text;
}

Numeric numeric_from(std::int64_t value) {
    return {cpp_int(value), 0};
}

Numeric operator+(const Numeric& left, const Numeric& right) {
    const std::int32_t scale = std::max(left.scale, right.scale);
    return {at_scale(left, scale) + at_scale(right, scale), scale};
}
Numeric operator-(const Numeric& left, const Numeric& right) {
    const std::int32_t scale = std::max(left.scale, right.scale);
    return {at_scale(left, scale) - at_scale(right, scale), scale};
}

std::optional<Numeric> multiply(const Numeric& left, const Numeric& right) {
    Numeric product{left.digits * right.digits, left.scale + right.scale};
    if (product.scale > max_scale) product = rounded(product, max_scale);
    if (const auto place = magnitude(product); place && *place > static_cast<std::int32_t>(max_digits))
        return std::nullopt;
    return product;
}

// select_div_scale of numeric.c.
std::optional<Numeric> divide(const Numeric& left, const Numeric& right) {
    const Groups above = groups_of(left), below = groups_of(right);
    std::int32_t weight = above.weight - below.weight;
    if (above.first_group <= below.first_group) --weight;
    const std::int32_t scale = std::min(std::max({16 - weight * 4, left.scale, right.scale, 0}), max_scale);
    // One digit more than the result has, for its rounding.
    const std::int32_t shift = scale + 1 + right.scale - left.scale;
    cpp_int dividend = left.digits, divisor = right.digits;
    if (shift >= 0)
        dividend *= power_of_ten(shift);
    else
        divisor *= power_of_ten(-shift);
    return rounded({dividend / divisor, scale + 1}, scale);
}

Numeric remainder(const Numeric& left, const Numeric& right) {
    const std::int32_t scale = std::max(left.scale, right.scale);
    return {at_scale(left, scale) % at_scale(right, scale), scale};
}

int compare(const Numeric& left, const Numeric& right) {
    if (left.scale == right.scale) return left.digits.compare(right.digits);
    const std::int32_t scale = std::max(left.scale, right.scale);
    return at_scale(left, scale).compare(at_scale(right, scale));
}

int compare_numeric_texts(std::string_view left, std::string_view right) {
    const auto a = parse_numeric(left), b = parse_numeric(right);
    if (a && b) return compare(*a, *b);
    return left.compare(right);
}

Numeric rounded(const Numeric& value, std::int32_t scale) {
    if (scale >= value.scale) return {at_scale(value, scale), scale};
    const cpp_int unit = power_of_ten(value.scale - scale);
    cpp_int quotient = value.digits / unit;
    if (abs(cpp_int(value.digits % unit)) * 2 >= unit) quotient += value.digits < 0 ? -1 : 1;
    if (scale >= 0) return {quotient, scale};
    return {quotient * power_of_ten(-scale), 0};
}

Numeric truncated(const Numeric& value, std::int32_t scale) {
    if (scale >= value.scale) return {at_scale(value, scale), scale};
    const cpp_int quotient = value.digits / power_of_ten(value.scale - scale);
    if (scale >= 0) return {quotient, scale};
    return {quotient * power_of_ten(-scale), 0};
}

Numeric floor(const Numeric& value) {
    Numeric whole = truncated(value, 0);
    if (value.digits < 0 && compare(whole, value) != 0) --whole.digits;
    return whole;
}
Numeric ceiling(const Numeric& value) {
    Numeric whole = truncated(value, 0);
    if (value.digits > 0 && compare(whole, value) != 0) ++whole.digits;
    return whole;
}

std::optional<std::int64_t> to_int64(const Numeric& value) {
    const Numeric whole = rounded(value, 0);
    if (whole.digits > std::numeric_limits<std::int64_t>::max() ||
        whole.digits < std::numeric_limits<std::int64_t>::min())
        return std::nullopt;
    return static_cast<std::int64_t>(whole.digits);
}

std::optional<Numeric> fitted(const Numeric& value, std::int32_t typmod) {
    const auto limits = typmod_numeric(typmod);
    if (!limits) return value;
    const Numeric result = rounded(value, limits->scale);
    const auto place = magnitude(result);
    if (place && *place >= limits->precision - limits->scale) return std::nullopt;
    return result;
}

std::string numeric_to_binary(const Numeric& value) {
    // The digits in groups of four, aligned at the point: whole groups before and after it.
    std::string text = digits_of(value.digits);
    if (text.size() <= static_cast<std::size_t>(value.scale))
        text.insert(0, static_cast<std::size_t>(value.scale) + 1 - text.size(), '0');
    std::string whole = text.substr(0, text.size() - static_cast<std::size_t>(value.scale));
    std::string fraction = text.substr(whole.size());
    whole.insert(0, (4 - whole.size() % 4) % 4, '0');
    fraction.append((4 - fraction.size() % 4) % 4, '0');
    std::vector<std::int16_t> groups;
    const std::string all = whole + fraction;
    for (std::size_t i = 0; i < all.size(); i += 4)
        groups.push_back(static_cast<std::int16_t>(std::stoi(all.substr(i, 4))));
    auto weight = static_cast<std::int32_t>(whole.size() / 4) - 1;
    std::size_t first = 0;
    while (first < groups.size() && groups[first] == 0) ++first, --weight;
    while (groups.size() > first && groups.back() == 0) groups.pop_back();
    if (first == groups.size()) weight = 0;
    std::string bytes;
    const auto int16 = [&](std::int32_t number) {
        bytes += static_cast<char>(number >> 8 & 0xff);
        bytes += static_cast<char>(number & 0xff);
    };
    int16(static_cast<std::int32_t>(groups.size() - first));
    int16(weight);
    int16(value.digits < 0 ? 0x4000 : 0);
    int16(value.scale);
    for (std::size_t i = first; i < groups.size(); ++i) int16(groups[i]);
    return bytes;
}

std::optional<Numeric> numeric_from_binary(std::string_view bytes) {
    if (bytes.size() < 8 || bytes.size() % 2 != 0) return std::nullopt;
    const auto int16 = [&](std::size_t index) {
        return static_cast<std::int16_t>(static_cast<unsigned char>(bytes[index * 2]) << 8 |
                                         static_cast<unsigned char>(bytes[index * 2 + 1]));
    };
    const std::int32_t count = int16(0), weight = int16(1), sign = int16(2), scale = int16(3);
    if (count < 0 || static_cast<std::size_t>(count) != bytes.size() / 2 - 4 ||
        (sign != 0 && sign != 0x4000) || scale < 0 || scale > max_scale || count > 1'000 || weight > 1'000 ||
        weight < -1'000)
        return std::nullopt;
    Numeric result;
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t group = int16(static_cast<std::size_t>(i) + 4);
        if (group < 0 || group > 9999) return std::nullopt;
        result.digits = result.digits * 10'000 + group;
    }
    const std::int32_t places = (count - 1 - weight) * 4;  // after the point
    if (places >= 0)
        result.scale = places;
    else
        result.digits *= power_of_ten(-places);
    if (sign != 0) result.digits = -result.digits;
    return result.scale > scale ? truncated(result, scale) : rounded(result, scale);
}

}  // namespace understudy::database
