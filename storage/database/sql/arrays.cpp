// SPDX-License-Identifier: Apache-2.0
// Arrays: constructors, subscripts, operators, functions, ANY and ALL, unnest(): PostgreSQL manual
// chapters 4.2.3, 4.2.12, 9.19 and 9.24. Their elements at run time: functions/arrays.cpp.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t values_in_call = 100;  // SQLite takes 127 arguments
constexpr std::size_t max_written_elements = 100'000;

std::uint32_t oid_of(SqlType type) {
    return static_cast<std::uint32_t>(type);
}

// Halves until a call holds them.
std::string array_sql(SqlType type, const std::vector<std::string>& values, std::size_t begin,
                      std::size_t end) {
    if (end - begin > values_in_call) {
        const std::size_t middle = begin + (end - begin) / 2;
        return fmt::format("understudy_array_cat({}, {})", array_sql(type, values, begin, middle),
                           array_sql(type, values, middle, end));
    }
    std::string sql = fmt::format("understudy_array({}", oid_of(type));
    for (std::size_t i = begin; i < end; ++i) sql += ", " + values[i];
    return sql + ")";
}

}  // namespace

Expression Translator::array_expression(const PgQuery__AArrayExpr& node, Scope& scope,
                                        std::optional<Type> wanted) {
    if (node.n_elements > max_written_elements)
        return fail(sqlstate::limit_exceeded, "ARRAY[…] with more than {} elements; use a parameter",
                    max_written_elements);
    auto values = expressions(node.elements, node.n_elements, scope);
    for (const auto& value : values)
        if (is_array(value.type.type)) return refuse("an array of more than one dimension");
    if (values.empty() && !wanted)
        return fail_with({"42P18", "cannot determine type of empty array",
                          "Explicitly cast to the desired type, for example ARRAY[]::integer[]."});
    const Type element =
        wanted ? Type{*element_of(wanted->type), wanted->typmod} : common_type(values, "ARRAY");
    const auto array = array_of(element.type);
    if (!array) return refuse(fmt::format("an array of {}", type_name(element.type)));
    std::vector<std::string> list;
    for (auto& value : values)
        list.push_back(
            cast(std::move(value), element, wanted ? CastContext::explicitly : CastContext::implicit).sql);
    Expression result = of_type(*array, array_sql(*array, list, 0, list.size()), "array");
    if (wanted) result.type.typmod = wanted->typmod;
    return result;
}

Expression Translator::subscript(const PgQuery__AIndirection& node, Scope& scope) {
    Expression value = expression(node.arg, scope);
    if (node.n_indirection == 0 || node.indirection[0]->node_case != PG_QUERY__NODE__NODE_A_INDICES)
        return refuse("a field of a composite value");
    const auto element = element_of(value.type.type);
    if (!element && value.type.type == SqlType::jsonb) return refuse("a subscript of jsonb (use ->)");
    if (!element)
        return fail("42804", "cannot subscript type {} because it does not support subscripting",
                    type_name(value.type.type));
    const auto& indices = *node.indirection[0]->a_indices;
    if (node.n_indirection > 1) return refuse("more than one subscript");
    const auto index = [&](const PgQuery__Node* given, const char* otherwise) {
        if (given == nullptr) return std::string(otherwise);
        Expression number = expression(given, scope);
        if (!number.undecided() && !castable(number.type.type, SqlType::int4, CastContext::assignment))
            fail("42804", "array subscript must have type integer");
        return cast(std::move(number), {SqlType::int4, -1}, CastContext::assignment).sql;
    };
    if (indices.is_slice) {
        const std::string lower = index(indices.lidx, "1"), upper = index(indices.uidx, "2147483647");
        Expression slice = of_type(value.type.type,
                                   fmt::format("understudy_array_slice({}, {}, {}, {})", value.sql, lower,
                                               upper, oid_of(value.type.type)),
                                   value.name);
        slice.type.typmod = value.type.typmod;
        return slice;
    }
    Expression result = of_type(*element,
                                fmt::format("understudy_array_get({}, {}, {})", value.sql,
                                            index(indices.uidx, "NULL"), oid_of(value.type.type)),
                                value.name);
    result.type.typmod = value.type.typmod;
    return result;
}

// An undecided value as an array of this element type.
Expression Translator::array_or(Expression value, SqlType element) {
    if (!value.undecided()) return value;
    const auto array = array_of(is_text(element) || element == SqlType::unknown ? SqlType::text : element);
    if (!array) return refuse(fmt::format("an array of {}", type_name(element)));
    return cast(std::move(value), {*array, -1}, CastContext::implicit);
}

Expression Translator::quantified(const std::string& name, bool every, Expression left, Expression element,
                                  const std::string& source) {
    const bool membership = name == "=" && !every, absence = name == "<>" && every;
    const Expression condition = binary(name, left, element);
    if (condition.type.type != SqlType::boolean)
        return fail("42809", "op ANY/ALL (array) requires operator to yield boolean");
    if (membership || absence) {  // for which SQLite can use an index
        const Type common = common_type({left, element}, "ANY");
        left = cast(std::move(left), {common.type, -1}, CastContext::implicit);
        element = cast(std::move(element), {common.type, -1}, CastContext::implicit);
        return of_type(SqlType::boolean,
                       fmt::format("({} {} (SELECT {} FROM {}))", with_collation(left.sql, common.type),
                                   absence ? "NOT IN" : "IN", element.sql, source),
                       "?column?");
    }
    // Decided by one row; unknown where none decides and some are unknown.
    return of_type(
        SqlType::boolean,
        fmt::format("(SELECT CASE WHEN {0}(c) = {1} THEN {1} WHEN count(c) < count(*) THEN NULL ELSE {2} "
                    "END FROM (SELECT {3} AS c FROM {4}))",
                    every ? "min" : "max", every ? 0 : 1, every ? 1 : 0, condition.sql, source),
        "?column?");
}

Expression Translator::any_or_all(const PgQuery__AExpr& node, Scope& scope) {
    const std::string name(text_of(node.name[node.n_name - 1]));
    Expression left = expression(node.lexpr, scope);
    const Expression array = array_or(expression(node.rexpr, scope), left.type.type);
    const auto element = element_of(array.type.type);
    if (!element) return fail("42809", "op ANY/ALL (array) requires array on right side");
    const std::string alias = fmt::format("\"?elements{}?\"", ++range_count_);
    if (left.undecided()) left = cast(std::move(left), {*element, -1}, CastContext::implicit);
    return quantified(
        name == "!=" ? "<>" : name, node.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL, left,
        of_type(*element, alias + ".value"),
        fmt::format("understudy_elements({}, {}, 1) AS {}", array.sql, oid_of(array.type.type), alias));
}

std::optional<Expression> Translator::array_operation(const std::string& name, Expression& left,
                                                      Expression& right) {
    const bool left_array = is_array(left.type.type), right_array = is_array(right.type.type);
    if (!left_array && !right_array) return std::nullopt;
    if (name == "@>" || name == "<@" || name == "&&") {
        if (!left_array) left = cast(std::move(left), {right.type.type, -1}, CastContext::implicit);
        if (!right_array) right = cast(std::move(right), {left.type.type, -1}, CastContext::implicit);
        if (left.type.type != right.type.type) return no_operator(name, left, right);
        if (name == "<@") std::swap(left, right);
        return of_type(SqlType::boolean,
                       fmt::format("understudy_array_{}({}, {}, {})", name == "&&" ? "overlaps" : "contains",
                                   left.sql, right.sql, oid_of(left.type.type)),
                       "?column?");
    }
    if (name != "||") return std::nullopt;
    const SqlType array = left_array ? left.type.type : right.type.type;
    const SqlType element = *element_of(array);
    // A literal beside an array is one.
    if (left.undecided()) left = cast(std::move(left), {array, -1}, CastContext::implicit);
    if (right.undecided()) right = cast(std::move(right), {array, -1}, CastContext::implicit);
    if (is_array(left.type.type) && is_array(right.type.type)) {
        const Type common = common_type({left, right}, "||");
        left = cast(std::move(left), {common.type, -1}, CastContext::implicit);
        right = cast(std::move(right), {common.type, -1}, CastContext::implicit);
        return of_type(common.type, fmt::format("understudy_array_cat({}, {})", left.sql, right.sql),
                       "?column?");
    }
    // The wider of the elements' types is the result's.
    Expression& single = left_array ? right : left;
    Expression& whole = left_array ? left : right;
    const bool narrower = castable(single.type.type, element, CastContext::implicit);
    if (!narrower && !castable(element, single.type.type, CastContext::implicit))
        return no_operator(name, left, right);
    const SqlType common = narrower ? element : single.type.type;
    const auto result = array_of(common);
    if (!result) return no_operator(name, left, right);
    single = cast(std::move(single), {common, -1}, CastContext::implicit);
    whole = cast(std::move(whole), {*result, -1}, CastContext::implicit);
    return of_type(*result,
                   fmt::format("understudy_array_{}({}, {}, {})", left_array ? "append" : "prepend", left.sql,
                               right.sql, oid_of(*result)),
                   "?column?");
}

std::optional<Expression> Translator::array_call(const std::string& name,
                                                 std::vector<Expression>& arguments) {
    const auto is_array_at = [&](std::size_t index) {
        return index < arguments.size() && is_array(arguments[index].type.type);
    };
    const auto result = [&](SqlType type, const std::string& sql) { return of_type(type, sql, name); };
    const auto as = [&](std::size_t index, SqlType type) {
        return cast(arguments[index], {type, -1}, CastContext::implicit).sql;
    };
    const std::size_t count = arguments.size();
    if (name == "string_to_array" && (count == 2 || count == 3))
        return result(SqlType::text_array,
                      fmt::format("understudy_string_to_array({}, {}, {})", as(0, SqlType::text),
                                  as(1, SqlType::text), count == 3 ? as(2, SqlType::text) : "NULL"));
    const auto joined = [&] {
        auto both = array_operation("||", arguments[0], arguments[1]);
        if (both) both->name = name;
        return both;
    };
    if (name == "array_prepend" && count == 2 && is_array_at(1)) {
        if (arguments[0].undecided())
            arguments[0] =
                cast(arguments[0], {*element_of(arguments[1].type.type), -1}, CastContext::implicit);
        return joined();
    }
    if (!is_array_at(0)) return std::nullopt;
    const SqlType array = arguments[0].type.type, element = *element_of(array);
    const std::string& sql = arguments[0].sql;
    if (name == "cardinality" && count == 1)
        return result(SqlType::int4, fmt::format("understudy_array_cardinality({})", sql));
    if ((name == "array_length" || name == "array_upper" || name == "array_lower") && count == 2)
        return result(SqlType::int4,
                      fmt::format("understudy_array_{}({}, {})", name == "array_lower" ? "lower" : "length",
                                  sql, as(1, SqlType::int4)));
    if (name == "array_ndims" && count == 1)
        return result(SqlType::int4, fmt::format("understudy_array_lower({}, 1)", sql));
    if (name == "array_to_string" && (count == 2 || count == 3))
        return result(SqlType::text,
                      fmt::format("understudy_array_to_string({}, {}, {}, {})", sql, as(1, SqlType::text),
                                  count == 3 ? as(2, SqlType::text) : "NULL", oid_of(array)));
    if (count != 2) return std::nullopt;
    if (name == "array_cat" && (is_array_at(1) || arguments[1].undecided())) return joined();
    if (name != "array_append" && name != "array_position" && name != "array_remove") return std::nullopt;
    if (arguments[1].undecided()) arguments[1] = cast(arguments[1], {element, -1}, CastContext::implicit);
    if (name == "array_append") return joined();
    SqlType common = element;
    if (is_number(element) && is_number(arguments[1].type.type))
        common = wider_number(element, arguments[1].type.type);
    const auto wider = array_of(common);
    if (!wider) return std::nullopt;
    return result(
        name == "array_position" ? SqlType::int4 : *wider,
        fmt::format("understudy_{}({}, {}, {})", name, as(0, *wider), as(1, common), oid_of(*wider)));
}

// A function in FROM may use what stands before it.
std::string Translator::unnest(const PgQuery__RangeFunction& node, const PgQuery__FuncCall& call,
                               Scope& scope) {
    const Expression array = settled(expression(call.args[0], scope));
    const auto element = element_of(array.type.type);
    if (!element) {
        fail(sqlstate::undefined_function, "function unnest({}) does not exist", type_name(array.type.type));
        return {};
    }
    Range range;
    range.alias =
        node.alias == nullptr || node.alias->aliasname == nullptr ? "unnest" : node.alias->aliasname;
    std::vector<std::string> names{range.alias, "ordinality"};
    if (node.alias != nullptr) {
        const auto given = names_of(node.alias->colnames, node.alias->n_colnames);
        const std::size_t available = node.ordinality ? 2 : 1;
        if (given.size() > available)
            fail("42P10", "table \"{}\" has {} columns available but {} columns specified", range.alias,
                 available, given.size());
        for (std::size_t i = 0; i < std::min(given.size(), names.size()); ++i) names[i] = given[i];
    }
    const std::string alias = quoted(range.alias);
    range.columns.push_back({names[0], {*element, array.type.typmod}, alias + ".value"});
    if (node.ordinality) range.columns.push_back({names[1], {SqlType::int8, -1}, alias + ".ordinality"});
    scope.ranges.push_back(std::move(range));
    return fmt::format("understudy_elements({}, {}, 0) AS {}", array.sql, oid_of(array.type.type), alias);
}

}  // namespace understudy::database
