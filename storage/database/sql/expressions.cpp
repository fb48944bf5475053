// SPDX-License-Identifier: Apache-2.0
// Expressions: constants, names, logic, sub-selects. PostgreSQL manual chapter 4.2.
#include <utility>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

constexpr int max_expression_depth = 400;
constexpr int max_parameters = 32'000;

}  // namespace

Expression of_type(SqlType type, std::string sql, std::string name) {
    Expression result;
    result.sql = std::move(sql);
    result.type = {type, -1};
    result.name = std::move(name);
    return result;
}

bool has_collation(const std::string& sql) {
    return sql.find(" COLLATE ") != std::string::npos;
}

std::string with_collation(const std::string& sql, SqlType type) {
    auto collation = collation_of(type);
    // SQLite takes one from inside of an expression, even from a function's argument.
    const bool stored_as_text = !is_number(type) && type != SqlType::boolean;
    if (collation.empty() && stored_as_text && has_collation(sql)) collation = "BINARY";
    return collation.empty() || sql.ends_with(collation) ? sql : fmt::format("{} COLLATE {}", sql, collation);
}

bool is_bare_number(std::string_view sql) {
    return sql.find_first_not_of("+-() 0123456789") == std::string_view::npos;
}

Expression Translator::expression(const PgQuery__Node* node, Scope& scope) {
    if (node == nullptr) return refuse("an empty expression");
    if (++depth_ > max_expression_depth) {
        --depth_;
        return fail(sqlstate::too_complex, "stack depth limit exceeded");
    }
    const Levels around = std::exchange(levels_, {});
    Expression result;
    // A whole expression that rows are grouped by may stand outside of an aggregate, though its columns may
    // not.
    bool is_key = false;
    if (scope.grouped && scope.aggregate_depth == 0 && !scope.group_keys.empty() &&
        node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) {
        ++scope.aggregate_depth;
        const auto error = error_;
        const bool locks = locks_rows_;
        result = expression_inside(*node, scope);
        --scope.aggregate_depth;
        for (const auto& key : scope.group_keys) is_key = is_key || key == result.sql;
        if (!is_key) {
            error_ = error;
            locks_rows_ = locks;
        }
    }
    if (!is_key) result = expression_inside(*node, scope);
    result.levels = levels_;
    levels_.add(around);
    --depth_;
    return result;
}

Expression Translator::expression_inside(const PgQuery__Node& node, Scope& scope) {
    switch (node.node_case) {
        case PG_QUERY__NODE__NODE_A_CONST:
            return constant(*node.a_const);
        case PG_QUERY__NODE__NODE_PARAM_REF:
            return parameter(node.param_ref->number);
        case PG_QUERY__NODE__NODE_COLUMN_REF:
            return column(*node.column_ref, scope);
        case PG_QUERY__NODE__NODE_A_EXPR:
            return operation(*node.a_expr, scope);
        case PG_QUERY__NODE__NODE_BOOL_EXPR:
            return boolean_expression(*node.bool_expr, scope);
        case PG_QUERY__NODE__NODE_TYPE_CAST:
            return cast_node(*node.type_cast, scope);
        case PG_QUERY__NODE__NODE_FUNC_CALL:
            return call(*node.func_call, scope);
        case PG_QUERY__NODE__NODE_CASE_EXPR:
            return case_expression(*node.case_expr, scope);
        case PG_QUERY__NODE__NODE_SUB_LINK:
            return sub_link(*node.sub_link, scope);
        case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
            return value_function(*node.sqlvalue_function);
        case PG_QUERY__NODE__NODE_NULL_TEST: {
            const auto& test = *node.null_test;
            const Expression value = settled(expression(test.arg, scope));
            return of_type(
                SqlType::boolean,
                fmt::format(
                    "({} {})", value.sql,
                    test.nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL ? "IS NULL" : "IS NOT NULL"));
        }
        case PG_QUERY__NODE__NODE_BOOLEAN_TEST: {
            const auto& test = *node.boolean_test;
            const Expression value =
                cast(expression(test.arg, scope), {SqlType::boolean, -1}, CastContext::implicit);
            const char* is = "IS";
            const char* what = "NULL";
            switch (test.booltesttype) {
                case PG_QUERY__BOOL_TEST_TYPE__IS_TRUE:
                    what = "1";
                    break;
                case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE:
                    is = "IS NOT", what = "1";
                    break;
                case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE:
                    what = "0";
                    break;
                case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE:
                    is = "IS NOT", what = "0";
                    break;
                case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN:
                    is = "IS NOT";
                    break;
                default:
                    break;
            }
            return of_type(SqlType::boolean, fmt::format("({} {} {})", value.sql, is, what));
        }
        case PG_QUERY__NODE__NODE_COALESCE_EXPR: {
            const auto& coalesce = *node.coalesce_expr;
            auto values = expressions(coalesce.args, coalesce.n_args, scope);
            const Type type = common_type(values, "COALESCE");
            std::string list;
            for (auto& value : values)
                list += (list.empty() ? "" : ", ") + cast(std::move(value), type, CastContext::implicit).sql;
            return of_type(type.type, values.size() == 1 ? list : "coalesce(" + list + ")", "coalesce");
        }
        case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: {
            const auto& choice = *node.min_max_expr;
            const bool greatest = choice.op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
            auto values = expressions(choice.args, choice.n_args, scope);
            const Type type = common_type(values, greatest ? "GREATEST" : "LEAST");
            // PostgreSQL leaves NULLs out, SQLite's scalar max() doesn't: an aggregate over rows does.
            std::string rows;
            for (auto& value : values)
                rows += fmt::format("{}SELECT {} AS v", rows.empty() ? "" : " UNION ALL ",
                                    cast(std::move(value), type, CastContext::implicit).sql);
            return of_type(type.type,
                           fmt::format("(SELECT {}({}) FROM ({}))", greatest ? "max" : "min",
                                       with_collation("v", type.type), rows),
                           greatest ? "greatest" : "least");
        }
        case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: {
            const auto names = names_of(node.collate_clause->collname, node.collate_clause->n_collname);
            const std::string& name = names.empty() ? std::string() : names.back();
            if (name != "C" && name != "POSIX" && name != "default" && name != "ucs_basic")
                return refuse(fmt::format("collation \"{}\"", name));
            return settled(expression(node.collate_clause->arg, scope));
        }
        case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
            return refuse("DEFAULT in this place");
        case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
            return array_expression(*node.a_array_expr, scope);
        case PG_QUERY__NODE__NODE_A_INDIRECTION:
            return subscript(*node.a_indirection, scope);
        case PG_QUERY__NODE__NODE_ROW_EXPR:
            return refuse("a row value in this place");
        case PG_QUERY__NODE__NODE_GROUPING_FUNC:
            return refuse("GROUPING");
        default:
            return refuse("this kind of expression");
    }
}

std::vector<Expression> Translator::expressions(PgQuery__Node* const* nodes, std::size_t count,
                                                Scope& scope) {
    std::vector<Expression> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(expression(nodes[i], scope));
    return result;
}

Expression Translator::constant(const PgQuery__AConst& constant) {
    Expression result;
    result.name = "?column?";
    if (constant.isnull) {
        result.sql = "NULL";
        result.null_literal = true;
        return result;
    }
    switch (constant.val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL:
            result.sql = std::to_string(constant.ival->ival);
            result.type.type = SqlType::int4;
            return result;
        case PG_QUERY__A__CONST__VAL_FVAL: {
            const std::string digits = constant.fval->fval;
            const bool whole = digits.find_first_not_of("0123456789") == std::string::npos;
            const auto as_int8 =
                whole ? input_text({SqlType::int8, -1}, digits) : SqlResult<Stored>(SqlError());
            if (as_int8.has_value()) {
                result.sql = sql_literal(*as_int8);
                result.type.type = SqlType::int8;
                return result;
            }
            const auto number = input_text({SqlType::numeric, -1}, digits);
            if (number.has_error()) return fail_with(number.error());
            result.sql = sql_literal(*number);
            result.type.type = SqlType::numeric;
            return result;
        }
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
            result.sql = constant.boolval->boolval ? "1" : "0";
            result.type.type = SqlType::boolean;
            return result;
        case PG_QUERY__A__CONST__VAL_SVAL:
            result.literal = constant.sval->sval;
            result.sql = sql_literal(Stored(*result.literal));
            return result;
        case PG_QUERY__A__CONST__VAL__NOT_SET:  // protobuf leaves a zero out
            result.sql = "0";
            result.type.type = SqlType::int4;
            return result;
        default:
            return refuse("a bit string");
    }
}

Expression Translator::parameter(int number) {
    if (number < 1 || number > max_parameters || place_->without_subqueries != nullptr)
        return fail("42P02", "there is no parameter ${}", number);
    const auto index = static_cast<std::size_t>(number) - 1;
    if (parameters_.size() <= index) parameters_.resize(index + 1, SqlType::unknown);
    Expression result;
    result.sql = fmt::format("?{}", number);
    result.type.type = parameters_[index];
    result.parameter = number;
    result.name = "?column?";
    return result;
}

Expression Translator::column(const PgQuery__ColumnRef& reference, Scope& scope) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < reference.n_fields; ++i) {
        if (reference.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR)
            return refuse("a whole row as a value");
        names.emplace_back(text_of(reference.fields[i]));
    }
    if (names.size() == 3) names.erase(names.begin());  // its schema
    if (names.empty() || names.size() > 2) return refuse("a name with more than three parts");
    const auto found = find_column(scope, names.size() == 2 ? names[0] : std::string(), names.back());
    if (found.has_error()) return fail_with(found.error(), reference.location);
    if (is_hidden(*found, scope))
        return refuse(fmt::format("a column of \"{}\" inside of a query over a table of that name",
                                  found->range == nullptr ? names.back() : found->range->alias));
    levels_.add({found->scope->level(), found->scope->level()});
    if (place_->without_columns != nullptr && found->scope == &scope)
        return fail("42P10", "argument of {} must not contain variables", place_->without_columns);
    if (!is_grouped(*found))
        return fail_with(
            {"42803",
             fmt::format(
                 "column \"{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                 found->range == nullptr ? names.back() : found->range->alias + "." + names.back())},
            reference.location);
    Expression result;
    result.sql = found->column->sql;
    result.type = found->column->type;
    result.name = found->column->name;
    return result;
}

Expression Translator::condition(const PgQuery__Node* node, Scope& scope, const char* where) {
    Expression value = expression(node, scope);
    if (!value.undecided() && value.type.type != SqlType::boolean)
        return fail("42804", "argument of {} must be type boolean, not type {}", where,
                    type_name(value.type.type));
    return cast(std::move(value), {SqlType::boolean, -1}, CastContext::implicit);
}

Expression Translator::expression_at(const ExpressionPlace& where, const PgQuery__Node* node, Scope& scope) {
    const Standing here(place_, where);
    return expression(node, scope);
}

Expression Translator::condition_at(const ExpressionPlace& where, const PgQuery__Node* node, Scope& scope,
                                    const char* clause) {
    const Standing here(place_, where);
    return condition(node, scope, clause);
}

Expression Translator::boolean_expression(const PgQuery__BoolExpr& node, Scope& scope) {
    const bool negation = node.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR;
    const char* word = negation ? "NOT" : node.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR ? "AND" : "OR";
    std::string sql;
    for (std::size_t i = 0; i < node.n_args; ++i)
        sql += (i == 0 ? "" : fmt::format(" {} ", word)) + condition(node.args[i], scope, word).sql;
    return of_type(SqlType::boolean, negation ? fmt::format("(NOT {})", sql) : fmt::format("({})", sql),
                   "?column?");
}

}  // namespace understudy::database
