// SPDX-License-Identifier: Apache-2.0
// Sub-selects, CASE, and CURRENT_TIMESTAMP and its like: PostgreSQL manual chapters 9.18, 9.23 and 9.9.5.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {

Expression Translator::sub_link(const PgQuery__SubLink& node, Scope& scope) {
    if (node.subselect == nullptr || node.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return refuse("this kind of sub-select");
    if (place_->without_subqueries != nullptr)
        return fail(sqlstate::feature_not_supported, "cannot use subquery in {}", place_->without_subqueries);
    const Relation inner = select(*node.subselect->select_stmt, &scope);
    if (node.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK)
        return of_type(SqlType::boolean, fmt::format("EXISTS ({})", inner.sql), "exists");
    if (inner.columns.size() != 1)
        return fail(sqlstate::syntax_error, "subquery must return only one column");
    const Type type = inner.columns[0].type;
    if (node.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) {
        // SQLite would take the first of several rows, where PostgreSQL reports an error.
        Expression result =
            of_type(type.type,
                    inner.single_row ? fmt::format("({})", inner.sql)
                                     : fmt::format("(SELECT understudy_only({}, count(*) OVER ()) FROM ({}))",
                                                   quoted(inner.aliases[0]), inner.sql),
                    inner.columns[0].name);
        result.type = type;
        return result;
    }
    if (node.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) {
        const auto array = array_of(type.type);
        if (!array) return refuse(fmt::format("an array of {}", type_name(type.type)));
        return of_type(
            *array,
            fmt::format("(SELECT coalesce(understudy_array_agg({}, '', {}), '{{}}') FROM ({}))",
                        static_cast<std::uint32_t>(type.type), quoted(inner.aliases[0]), inner.sql),
            "array");
    }
    const bool every = node.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
    if (!every && node.sub_link_type != PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK)
        return refuse("this kind of sub-select");
    const std::string name(node.n_oper_name > 0 ? text_of(node.oper_name[node.n_oper_name - 1]) : "=");
    if (every || name != "=") {
        if (node.testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
            return refuse("a row beside ANY or ALL");
        Expression element = of_type(type.type, fmt::format("\"?rows?\".{}", quoted(inner.aliases[0])));
        return quantified(name, every, expression(node.testexpr, scope), element,
                          fmt::format("({}) AS \"?rows?\"", inner.sql));
    }
    Expression left = expression(node.testexpr, scope);
    Expression column = of_type(type.type, quoted(inner.aliases[0]));
    const Type common = common_type({left, column}, "IN");
    left = cast(std::move(left), common, CastContext::implicit);
    const Expression right = cast(std::move(column), common, CastContext::implicit);
    return of_type(SqlType::boolean,
                   fmt::format("({} IN (SELECT {} FROM ({})))", with_collation(left.sql, common.type),
                               right.sql, inner.sql),
                   "?column?");
}

Expression Translator::case_expression(const PgQuery__CaseExpr& node, Scope& scope) {
    std::vector<Expression> results;
    std::vector<std::string> conditions;
    for (std::size_t i = 0; i < node.n_args; ++i) {
        const auto& when = *node.args[i]->case_when;
        if (node.arg != nullptr) {
            conditions.push_back(
                comparison("=", expression(node.arg, scope), expression(when.expr, scope)).sql);
        } else {
            conditions.push_back(condition(when.expr, scope, "CASE/WHEN").sql);
        }
        results.push_back(expression(when.result, scope));
    }
    std::string name = "case";
    if (node.defresult != nullptr) {
        results.push_back(expression(node.defresult, scope));
        if (!results.back().name.empty() && results.back().name != "?column?") name = results.back().name;
    }
    const Type type = common_type(results, "CASE");
    std::string sql = "(CASE";
    for (std::size_t i = 0; i < results.size(); ++i) {
        const std::string value = cast(results[i], type, CastContext::implicit).sql;
        sql += i < conditions.size() ? fmt::format(" WHEN {} THEN {}", conditions[i], value)
                                     : fmt::format(" ELSE {}", value);
    }
    Expression result = of_type(type.type, sql + " END)", name);
    result.type = type;
    result.weak_name = name == "case";
    return result;
}

Expression Translator::value_function(const PgQuery__SQLValueFunction& node) {
    switch (node.op) {
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
            return of_type(SqlType::timestamptz, "understudy_now()", "current_timestamp");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
            return of_type(SqlType::timestamp, "substr(understudy_now(), 1, 26)", "localtimestamp");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
            return of_type(SqlType::date, "substr(understudy_now(), 1, 10)", "current_date");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
            return of_type(SqlType::time, "substr(understudy_now(), 12, 15)", "localtime");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
            return of_type(SqlType::name, "understudy_current_user()",
                           node.op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER   ? "session_user"
                           : node.op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER         ? "user"
                           : node.op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE ? "current_role"
                                                                                           : "current_user");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
            return of_type(SqlType::name, "understudy_current_database()", "current_catalog");
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
            return of_type(SqlType::name, "'public'", "current_schema");
        default:
            return refuse("a precision of CURRENT_TIMESTAMP, or CURRENT_TIME");
    }
}

}  // namespace understudy::database
