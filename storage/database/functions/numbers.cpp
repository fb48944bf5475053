// SPDX-License-Identifier: Apache-2.0
// Integers and floats: SQLite would turn an overflow into a float and a division by zero into NULL.
#include <cmath>
#include <limits>
#include <random>

#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

enum class Operator { add, subtract, multiply, divide, remainder };

void out_of_range(Call& call, const char* type) {
    call.fail(sqlstate::out_of_range, fmt::format("{} out of range", type));
}

template <typename Integer>
constexpr const char* name_of() {
    return sizeof(Integer) == 2 ? "smallint" : sizeof(Integer) == 4 ? "integer" : "bigint";
}

template <typename Integer, Operator op>
void integer_operation(Call& call) {
    const std::int64_t left = call.integer(0), right = call.integer(1);
    std::int64_t result = 0;
    bool overflow = false;
    if constexpr (op == Operator::add) overflow = __builtin_add_overflow(left, right, &result);
    if constexpr (op == Operator::subtract) overflow = __builtin_sub_overflow(left, right, &result);
    if constexpr (op == Operator::multiply) overflow = __builtin_mul_overflow(left, right, &result);
    if constexpr (op == Operator::divide || op == Operator::remainder) {
        if (right == 0) return call.fail(sqlstate::division_by_zero, "division by zero");
        if (right == -1)  // the least integer has no opposite
            overflow =
                op == Operator::divide ? __builtin_sub_overflow(std::int64_t{0}, left, &result) : false;
        else
            result = op == Operator::divide ? left / right : left % right;
    }
    if (overflow || result < std::numeric_limits<Integer>::min() ||
        result > std::numeric_limits<Integer>::max())
        return out_of_range(call, name_of<Integer>());
    call.give(result);
}

template <typename Real, Operator op>
void float_operation(Call& call) {
    const auto left = static_cast<Real>(call.real(0)), right = static_cast<Real>(call.real(1));
    Real result = 0;
    if constexpr (op == Operator::add) result = left + right;
    if constexpr (op == Operator::subtract) result = left - right;
    if constexpr (op == Operator::multiply) result = left * right;
    if constexpr (op == Operator::divide) {
        if (right == 0) return call.fail(sqlstate::division_by_zero, "division by zero");
        result = left / right;
    }
    if (std::isinf(result) && !std::isinf(left) && !std::isinf(right))
        return call.fail(sqlstate::out_of_range, "value out of range: overflow");
    if (std::isnan(result)) return call.fail(sqlstate::feature_not_supported, "NaN is not supported");
    call.give(static_cast<double>(result));
}

template <typename Integer>
void negate_integer(Call& call) {
    if (call.integer(0) == std::numeric_limits<Integer>::min()) return out_of_range(call, name_of<Integer>());
    call.give(-call.integer(0));
}
void negate_float(Call& call) {
    call.give(-call.real(0));
}
template <typename Integer>
void absolute(Call& call) {
    if (call.integer(0) == std::numeric_limits<Integer>::min()) return out_of_range(call, name_of<Integer>());
    call.give(std::abs(call.integer(0)));
}

void to_float4(Call& call) {
    const double value = call.is_blob(0) ? 0 : call.real(0);
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow) && !std::isinf(value)) return out_of_range(call, "real");
    call.give(static_cast<double>(narrow));
}

template <double (*function)(double)>
void float_function(Call& call) {
    call.give(function(call.real(0)));
}
void square_root(Call& call) {
    if (call.real(0) < 0) return call.fail("2201F", "cannot take square root of a negative number");
    call.give(std::sqrt(call.real(0)));
}
void power(Call& call) {
    const double result = std::pow(call.real(0), call.real(1));
    if (std::isnan(result))
        return call.fail("2201F", "a negative number raised to a non-integer power yields a complex result");
    if (std::isinf(result)) return call.fail(sqlstate::out_of_range, "value out of range: overflow");
    call.give(result);
}
void random(Call& call) {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    call.give(static_cast<double>(generator() >> 11) * 0x1.0p-53);
}

void limit(Call& call) {
    if (call.null(0)) return call.give(std::int64_t{-1});
    if (call.integer(0) < 0)
        return call.fail(call.text(1) == "LIMIT" ? "2201W" : "2201X",
                         fmt::format("{} must not be negative", call.text(1)));
    call.give_argument(0);
}
void exclusive_or(Call& call) {
    call.give(call.integer(0) ^ call.integer(1));
}
void step(Call& call) {
    if (call.integer(0) == 0) return call.fail("22023", "step size cannot equal zero");
    call.give_argument(0);
}

template <typename Integer>
void add_integer(Registry& registry, const std::string& type) {
    const auto name = [&](const char* word) { return fmt::format("understudy_{}_{}", word, type); };
    registry.add(name("add").c_str(), 2, strict<integer_operation<Integer, Operator::add>>);
    registry.add(name("subtract").c_str(), 2, strict<integer_operation<Integer, Operator::subtract>>);
    registry.add(name("multiply").c_str(), 2, strict<integer_operation<Integer, Operator::multiply>>);
    registry.add(name("divide").c_str(), 2, strict<integer_operation<Integer, Operator::divide>>);
    registry.add(name("remainder").c_str(), 2, strict<integer_operation<Integer, Operator::remainder>>);
    registry.add(name("negate").c_str(), 1, strict<negate_integer<Integer>>);
    registry.add(name("abs").c_str(), 1, strict<absolute<Integer>>);
}

template <typename Real>
void add_float(Registry& registry, const std::string& type) {
    const auto name = [&](const char* word) { return fmt::format("understudy_{}_{}", word, type); };
    registry.add(name("add").c_str(), 2, strict<float_operation<Real, Operator::add>>);
    registry.add(name("subtract").c_str(), 2, strict<float_operation<Real, Operator::subtract>>);
    registry.add(name("multiply").c_str(), 2, strict<float_operation<Real, Operator::multiply>>);
    registry.add(name("divide").c_str(), 2, strict<float_operation<Real, Operator::divide>>);
    registry.add(name("negate").c_str(), 1, strict<negate_float>);
}

}  // namespace

void add_number_functions(Registry& registry) {
    add_integer<std::int16_t>(registry, "int2");
    add_integer<std::int32_t>(registry, "int4");
    add_integer<std::int64_t>(registry, "int8");
    add_float<float>(registry, "float4");
    add_float<double>(registry, "float8");
    registry.add("understudy_to_float4", 1, strict<to_float4>);
    registry.add("understudy_float_round", 1, strict<float_function<std::nearbyint>>);  // half to even
    registry.add("understudy_float_trunc", 1, strict<float_function<std::trunc>>);
    registry.add("understudy_float_floor", 1, strict<float_function<std::floor>>);
    registry.add("understudy_float_ceil", 1, strict<float_function<std::ceil>>);
    registry.add("understudy_sqrt", 1, strict<square_root>);
    registry.add("understudy_power", 2, strict<power>);
    registry.add_changing("understudy_random", 0, strict<random>);
    registry.add("understudy_limit", 2, with_nulls<limit>);
    registry.add("understudy_step", 1, strict<step>);
    registry.add("understudy_xor", 2, strict<exclusive_or>);
}

}  // namespace understudy::database
