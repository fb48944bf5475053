// SPDX-License-Identifier: Apache-2.0
// numeric: exact decimals, stored as text (core/numeric.hpp).
#include <charconv>
#include <cmath>
#include <limits>

#include "storage/database/core/numeric.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

std::optional<Numeric> argument(Call& call, int index) {
    auto value = parse_numeric(call.text(index));
    if (!value)
        call.fail(sqlstate::bad_text,
                  fmt::format("invalid input syntax for type numeric: \"{}\"", call.text(index)));
    return value;
}

void give_numeric(Call& call, const std::optional<Numeric>& value) {
    if (!value) return call.fail(sqlstate::out_of_range, "value overflows numeric format");
    call.give(std::string_view(show(*value)));
}

template <typename Function>
void operation(Call& call, Function function) {
    const auto left = argument(call, 0), right = argument(call, 1);
    if (left && right) function(*left, *right);
}

void add_both(Call& call) {
    operation(call, [&](const Numeric& left, const Numeric& right) { give_numeric(call, left + right); });
}
void subtract_both(Call& call) {
    operation(call, [&](const Numeric& left, const Numeric& right) { give_numeric(call, left - right); });
}
void multiply_both(Call& call) {
    operation(call,
              [&](const Numeric& left, const Numeric& right) { give_numeric(call, multiply(left, right)); });
}
void divide_both(Call& call) {
    operation(call, [&](const Numeric& left, const Numeric& right) {
        if (right.digits == 0) return call.fail(sqlstate::division_by_zero, "division by zero");
        give_numeric(call, divide(left, right));
    });
}
void remainder_both(Call& call) {
    operation(call, [&](const Numeric& left, const Numeric& right) {
        if (right.digits == 0) return call.fail(sqlstate::division_by_zero, "division by zero");
        give_numeric(call, remainder(left, right));
    });
}
void negate_numeric(Call& call) {
    if (auto value = argument(call, 0)) {
        value->digits = -value->digits;
        give_numeric(call, value);
    }
}
void numeric_sign(Call& call) {
    if (const auto value = argument(call, 0))
        call.give(std::string_view(std::to_string(value->digits.sign())));
}

std::int32_t scale_argument(Call& call) {
    return static_cast<std::int32_t>(
        std::min<std::int64_t>(std::max<std::int64_t>(call.integer(1), -1000), 1000));
}
void round_to(Call& call) {
    if (const auto value = argument(call, 0)) give_numeric(call, rounded(*value, scale_argument(call)));
}
void truncate_to(Call& call) {
    if (const auto value = argument(call, 0)) give_numeric(call, truncated(*value, scale_argument(call)));
}
template <Numeric (*function)(const Numeric&)>
void unary(Call& call) {
    if (const auto value = argument(call, 0)) give_numeric(call, function(*value));
}

// From an integer, a float (rounded half to even, as by rint()) or a numeric (half away from zero).
template <typename Integer>
void to_integer(Call& call) {
    const char* name = sizeof(Integer) == 2 ? "smallint" : sizeof(Integer) == 4 ? "integer" : "bigint";
    const Stored value = call.stored(0);
    std::optional<std::int64_t> result;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        result = *number;
    } else if (const auto* real = std::get_if<double>(&value)) {
        const double whole = std::nearbyint(*real);
        if (whole >= -9223372036854775808.0 && whole < 9223372036854775808.0)
            result = static_cast<std::int64_t>(whole);
    } else if (const auto decimal = argument(call, 0)) {
        result = to_int64(*decimal);
    } else {
        return;
    }
    if (!result || *result < std::numeric_limits<Integer>::min() ||
        *result > std::numeric_limits<Integer>::max())
        return call.fail(sqlstate::out_of_range, fmt::format("{} out of range", name));
    call.give(*result);
}

// PostgreSQL converts with as many digits as the type is sure to hold: 15.
void float_to_numeric(Call& call) {
    const double value = call.real(0);
    if (std::isinf(value))
        return call.fail(sqlstate::feature_not_supported, "infinity in type numeric is not supported");
    const auto number = parse_numeric(fmt::format("{:.14e}", value));
    if (!number) return give_numeric(call, std::nullopt);
    Numeric result = *number;
    while (result.scale > 0 && result.digits % 10 == 0) {
        result.digits /= 10;
        --result.scale;
    }
    give_numeric(call, result);
}

}  // namespace

void add_numeric_functions(Registry& registry) {
    registry.add("understudy_add_numeric", 2, strict<add_both>);
    registry.add("understudy_subtract_numeric", 2, strict<subtract_both>);
    registry.add("understudy_multiply_numeric", 2, strict<multiply_both>);
    registry.add("understudy_divide_numeric", 2, strict<divide_both>);
    registry.add("understudy_remainder_numeric", 2, strict<remainder_both>);
    registry.add("understudy_negate_numeric", 1, strict<negate_numeric>);
    registry.add("understudy_numeric_sign", 1, strict<numeric_sign>);
    registry.add("understudy_numeric_round", 2, strict<round_to>);
    registry.add("understudy_numeric_trunc", 2, strict<truncate_to>);
    registry.add("understudy_numeric_floor", 1, strict<unary<floor>>);
    registry.add("understudy_numeric_ceil", 1, strict<unary<ceiling>>);
    registry.add("understudy_to_int2", 1, strict<to_integer<std::int16_t>>);
    registry.add("understudy_to_int4", 1, strict<to_integer<std::int32_t>>);
    registry.add("understudy_to_int8", 1, strict<to_integer<std::int64_t>>);
    registry.add("understudy_float_to_numeric", 1, strict<float_to_numeric>);
}

}  // namespace understudy::database
