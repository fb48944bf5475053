// SPDX-License-Identifier: Apache-2.0
// Arithmetic on numbers, dates and intervals: PostgreSQL manual chapters 9.3 and 9.9.
#include <utility>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

std::string short_name(SqlType type) {
    switch (type) {
        case SqlType::int2:
            return "int2";
        case SqlType::int4:
            return "int4";
        case SqlType::int8:
            return "int8";
        case SqlType::numeric:
            return "numeric";
        case SqlType::float4:
            return "float4";
        default:
            return "float8";
    }
}

}  // namespace

// The wider of two number types, as PostgreSQL's operators have it.
SqlType wider_number(SqlType left, SqlType right) {
    if (left == right) return left;
    const auto rank = [](SqlType type) {
        switch (type) {
            case SqlType::int2:
                return 0;
            case SqlType::int4:
                return 1;
            case SqlType::int8:
                return 2;
            case SqlType::numeric:
                return 3;
            default:
                return 4;
        }
    };
    if (rank(left) == 4 || rank(right) == 4) return SqlType::float8;
    return rank(left) > rank(right) ? left : right;
}

// A literal of an unknown type beside a known one has the other's type.
void decide(Expression& left, Expression& right) {
    if (left.undecided() && !right.undecided()) left.type = right.type;
    if (right.undecided() && !left.undecided()) right.type = left.type;
}

Expression Translator::unary(const std::string& name, Expression operand) {
    if (name == "+" && is_number(operand.type.type)) return operand;
    if (name == "-") {
        if (is_number(operand.type.type)) {
            // A literal's sign belongs to it: -9223372036854775808 is one.
            const std::string type = short_name(operand.type.type);
            if (operand.sql == "'9223372036854775808'" && operand.type.type == SqlType::numeric)
                return of_type(SqlType::int8, "(-9223372036854775807 - 1)");
            return of_type(operand.type.type, fmt::format("understudy_negate_{}({})", type, operand.sql));
        }
        if (operand.type.type == SqlType::interval)
            return of_type(SqlType::interval,
                           fmt::format("understudy_interval_multiply({}, -1.0)", operand.sql));
    }
    if (name == "@" && is_number(operand.type.type)) return refuse("operator @ (use abs)");
    return fail(sqlstate::undefined_function, "operator does not exist: {} {}", name,
                type_name(operand.type.type));
}

Expression Translator::arithmetic(const std::string& name, Expression left, Expression right) {
    if (left.undecided() && right.undecided())
        return fail("42725", "operator is not unique: unknown {} unknown", name);
    if (auto result = moment_arithmetic(name, left, right)) return *result;
    decide(left, right);
    if (!is_number(left.type.type) || !is_number(right.type.type)) return no_operator(name, left, right);
    const SqlType type = wider_number(left.type.type, right.type.type);
    if (name == "%" && (type == SqlType::float8 || type == SqlType::float4))
        return no_operator(name, left, right);
    const bool whole = is_integer(type);
    for (auto* operand : {&left, &right})
        if (!whole || operand->literal || operand->parameter > 0)
            *operand = cast(std::move(*operand), {type, -1}, CastContext::implicit);
    const char* word = name == "+"   ? "add"
                       : name == "-" ? "subtract"
                       : name == "*" ? "multiply"
                       : name == "/" ? "divide"
                                     : "remainder";
    return of_type(type,
                   fmt::format("understudy_{}_{}({}, {})", word, short_name(type), left.sql, right.sql));
}

std::optional<Expression> Translator::moment_arithmetic(const std::string& name, const Expression& left_given,
                                                        const Expression& right_given) {
    Expression left = left_given, right = right_given;
    const bool plus = name == "+", minus = name == "-";
    const auto is_interval = [](const Expression& value) { return value.type.type == SqlType::interval; };
    const auto cast_to = [&](Expression value, SqlType type) {
        return cast(std::move(value), {type, -1}, CastContext::implicit).sql;
    };
    // timestamp + 'unknown' can only be an interval; interval +- 'unknown' is one too.
    if (plus && is_moment(left.type.type) && left.type.type != SqlType::date && right.undecided())
        right = cast(std::move(right), {SqlType::interval, -1}, CastContext::implicit);
    if ((plus || minus) && is_interval(left) && right.undecided())
        right = cast(std::move(right), {SqlType::interval, -1}, CastContext::implicit);
    if (plus && is_interval(left) && is_moment(right.type.type)) std::swap(left, right);
    if (plus && is_integer(left.type.type) && left.type.type != SqlType::int8 &&
        right.type.type == SqlType::date)
        std::swap(left, right);
    const SqlType type = left.type.type, other = right.type.type;
    const bool days = is_integer(other) && other != SqlType::int8;
    if ((plus || minus) && is_moment(type) && is_interval(right)) {
        const SqlType result = type == SqlType::date ? SqlType::timestamp : type;
        return of_type(result,
                       fmt::format("understudy_moment_add({}, {}, {}, {})", cast_to(left, result), right.sql,
                                   minus ? -1 : 1, result == SqlType::timestamptz ? 1 : 0));
    }
    if (minus && is_moment(type) && right.undecided())
        right = cast(std::move(right), {type, -1}, CastContext::implicit);
    if (minus && is_moment(type) && is_moment(right.type.type)) {
        if (type == SqlType::date && right.type.type == SqlType::date)
            return of_type(SqlType::int4,
                           fmt::format("understudy_date_difference({}, {})", left.sql, right.sql));
        const SqlType common = type == SqlType::timestamptz || right.type.type == SqlType::timestamptz
                                   ? SqlType::timestamptz
                                   : SqlType::timestamp;
        return of_type(SqlType::interval, fmt::format("understudy_moment_difference({}, {})",
                                                      cast_to(left, common), cast_to(right, common)));
    }
    if ((plus || minus) && type == SqlType::date && days)
        return of_type(SqlType::date,
                       fmt::format("understudy_date_add({}, {}, {})", left.sql, right.sql, minus ? -1 : 1));
    if ((plus || minus) && is_interval(left) && is_interval(right))
        return of_type(SqlType::interval, fmt::format("understudy_interval_add({}, {}, {})", left.sql,
                                                      right.sql, minus ? -1 : 1));
    if (name == "*" && is_interval(right)) std::swap(left, right);
    if ((name == "*" || name == "/") && is_interval(left)) {
        if (!right.undecided() && !is_number(right.type.type)) return std::nullopt;
        const std::string factor = cast_to(right, SqlType::float8);
        return of_type(SqlType::interval,
                       name == "*" ? fmt::format("understudy_interval_multiply({}, {})", left.sql, factor)
                                   : fmt::format("understudy_interval_divide({}, {})", left.sql, factor));
    }
    return std::nullopt;
}

}  // namespace understudy::database
