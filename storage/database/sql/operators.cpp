// SPDX-License-Identifier: Apache-2.0
// Operators and their choice by types: PostgreSQL manual chapters 9.1 to 9.9 and 10.2.
#include <algorithm>
#include <array>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

bool is_comparison(const std::string& name) {
    constexpr std::array<std::string_view, 7> names = {"=", "<>", "!=", "<", ">", "<=", ">="};
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Expression Translator::no_operator(const std::string& name, const Expression& left, const Expression& right) {
    return fail_with({sqlstate::undefined_function,
                      fmt::format("operator does not exist: {} {} {}", type_name(left.type.type), name,
                                  type_name(right.type.type)),
                      "No operator matches the given name and argument types. You might need to add explicit "
                      "type casts."},
                     operator_location_);
}

Expression Translator::operation(const PgQuery__AExpr& node, Scope& scope) {
    const auto names = names_of(node.name, node.n_name);
    const std::string name = names.empty() ? std::string() : names.back();
    switch (node.kind) {
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
            if (node.lexpr == nullptr) return unary(name, expression(node.rexpr, scope));
            if (node.rexpr == nullptr) return refuse(fmt::format("postfix operator {}", name));
            if (node.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
                node.rexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
                return row_comparison(name, *node.lexpr->row_expr, *node.rexpr->row_expr, scope);
            return binary_at(node.location, name, expression(node.lexpr, scope),
                             expression(node.rexpr, scope));
        case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
            return comparison(node.kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT ? "IS NOT" : "IS",
                              expression(node.lexpr, scope), expression(node.rexpr, scope));
        case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: {
            Expression left = expression(node.lexpr, scope);
            Expression result = left.undecided() ? settled(left) : left;
            const Expression equal = comparison("=", std::move(left), expression(node.rexpr, scope));
            result.sql = fmt::format("(CASE WHEN {} THEN NULL ELSE {} END)", equal.sql, result.sql);
            result.literal.reset();
            result.name = "nullif";
            return result;
        }
        case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
            return in_list(node, scope);
        case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
        case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
            return binary(name, expression(node.lexpr, scope), expression(node.rexpr, scope));
        case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN: {
            if (node.rexpr == nullptr || node.rexpr->node_case != PG_QUERY__NODE__NODE_LIST ||
                node.rexpr->list->n_items != 2)
                return refuse("this BETWEEN");
            const bool negated = node.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN;
            const Expression low = comparison(negated ? "<" : ">=", expression(node.lexpr, scope),
                                              expression(node.rexpr->list->items[0], scope));
            const Expression high = comparison(negated ? ">" : "<=", expression(node.lexpr, scope),
                                               expression(node.rexpr->list->items[1], scope));
            return of_type(SqlType::boolean,
                           fmt::format("({} {} {})", low.sql, negated ? "OR" : "AND", high.sql));
        }
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
            return any_or_all(node, scope);
        default:
            return refuse("SIMILAR TO and BETWEEN SYMMETRIC");
    }
}

Expression Translator::binary_at(int location, const std::string& name, Expression left, Expression right) {
    operator_location_ = location;
    Expression result = binary(name, std::move(left), std::move(right));
    operator_location_ = -1;
    return result;
}

Expression Translator::binary(const std::string& name, Expression left, Expression right) {
    if (is_comparison(name)) return comparison(name == "!=" ? "<>" : name, std::move(left), std::move(right));
    if (auto result = array_operation(name, left, right)) return *result;
    const Type text{SqlType::text, -1};
    if (name == "||") {
        const bool bytes = left.type.type == SqlType::bytea || right.type.type == SqlType::bytea;
        if (bytes) {
            decide(left, right);
            if (left.type.type != right.type.type) return no_operator(name, left, right);
            left = cast(std::move(left), {SqlType::bytea, -1}, CastContext::implicit);
            right = cast(std::move(right), {SqlType::bytea, -1}, CastContext::implicit);
            return of_type(SqlType::bytea, fmt::format("understudy_join_bytes({}, {})", left.sql, right.sql));
        }
        if (left.type.type == SqlType::jsonb || right.type.type == SqlType::jsonb)
            return refuse("jsonb || jsonb");
        const bool some_text =
            is_text(left.type.type) || is_text(right.type.type) || left.undecided() || right.undecided();
        if (!some_text) return no_operator(name, left, right);
        left = cast(std::move(left), text, CastContext::assignment);
        right = cast(std::move(right), text, CastContext::assignment);
        return of_type(SqlType::text, fmt::format("({} || {})", left.sql, right.sql));
    }
    const bool not_like = name == "!~~" || name == "!~~*";
    if (not_like || name == "~~" || name == "~~*") {
        if ((!left.undecided() && !is_text(left.type.type)) ||
            (!right.undecided() && !is_text(right.type.type)))
            return no_operator(name, left, right);
        left = cast(std::move(left), text, CastContext::implicit);
        right = cast(std::move(right), text, CastContext::implicit);
        const bool folded = name.back() == '*';
        return of_type(SqlType::boolean, folded
                                             ? fmt::format("(lower({}) {} lower({}) ESCAPE '\\')", left.sql,
                                                           not_like ? "NOT LIKE" : "LIKE", right.sql)
                                             : fmt::format("({} {} {} ESCAPE '\\')", left.sql,
                                                           not_like ? "NOT LIKE" : "LIKE", right.sql));
    }
    const bool not_matching = name == "!~" || name == "!~*";
    if (not_matching || name == "~" || name == "~*") {
        if ((!left.undecided() && !is_text(left.type.type)) ||
            (!right.undecided() && !is_text(right.type.type)))
            return no_operator(name, left, right);
        left = cast(std::move(left), text, CastContext::implicit);
        right = cast(std::move(right), text, CastContext::implicit);
        return of_type(SqlType::boolean,
                       fmt::format("({}understudy_matches({}, {}, {}))", not_matching ? "NOT " : "", left.sql,
                                   right.sql, name.back() == '*' ? 1 : 0));
    }
    if (name == "->" || name == "->>") {
        const bool as_text = name == "->>";
        if (left.type.type != SqlType::jsonb && !(left.type.type == SqlType::json && as_text))
            return left.type.type == SqlType::json ? refuse("-> on json (use jsonb, or ->>)")
                                                   : no_operator(name, left, right);
        const bool by_index = right.type.type == SqlType::int4 || right.type.type == SqlType::int2;
        right = cast(std::move(right), by_index ? Type{SqlType::int4, -1} : text, CastContext::implicit);
        return of_type(as_text ? SqlType::text : SqlType::jsonb,
                       fmt::format("understudy_json_{}({}, {}, {})", by_index ? "element" : "member",
                                   left.sql, right.sql, as_text ? 1 : 0));
    }
    if (name == "+" || name == "-" || name == "*" || name == "/" || name == "%")
        return arithmetic(name, std::move(left), std::move(right));
    if (name == "^") {
        decide(left, right);
        const Type real{SqlType::float8, -1};
        if (left.type.type == SqlType::numeric || right.type.type == SqlType::numeric)
            return refuse("numeric ^");
        left = cast(std::move(left), real, CastContext::implicit);
        right = cast(std::move(right), real, CastContext::implicit);
        return of_type(SqlType::float8, fmt::format("understudy_power({}, {})", left.sql, right.sql));
    }
    if (name == "&" || name == "|" || name == "#" || name == "<<" || name == ">>") {
        if (!left.undecided() && !is_integer(left.type.type)) return no_operator(name, left, right);
        decide(left, right);
        if (!is_integer(left.type.type) || !is_integer(right.type.type))
            return no_operator(name, left, right);
        if (name == "#")
            return of_type(wider_number(left.type.type, right.type.type),
                           fmt::format("understudy_xor({}, {})", left.sql, right.sql));
        if (name == "<<" || name == ">>") return refuse(fmt::format("operator {}", name));
        return of_type(wider_number(left.type.type, right.type.type),
                       fmt::format("({} {} {})", left.sql, name, right.sql));
    }
    return fail(sqlstate::feature_not_supported, "operator {} is not supported", name);
}

Expression Translator::comparison(const std::string& name, Expression left, Expression right) {
    const bool ordered = name == "<" || name == ">" || name == "<=" || name == ">=";
    if (left.undecided() && right.undecided()) {
        left = settled(std::move(left));
        right = settled(std::move(right));
    }
    if (left.undecided()) left = cast(std::move(left), {right.type.type, -1}, CastContext::implicit);
    if (right.undecided()) right = cast(std::move(right), {left.type.type, -1}, CastContext::implicit);
    SqlType type = left.type.type;
    const SqlType other = right.type.type;
    const auto is_reference = [](SqlType candidate) {
        return candidate == SqlType::oid || candidate == SqlType::regclass || candidate == SqlType::regtype;
    };
    if (is_number(type) && is_number(other)) {
        type = wider_number(type, other);
        // Integers of any width are stored alike, and so are floats.
        const bool stored_alike = is_integer(left.type.type) && is_integer(other);
        if (!stored_alike && left.type.type != type)
            left = cast(std::move(left), {type, -1}, CastContext::implicit);
        if (!stored_alike && other != type) right = cast(std::move(right), {type, -1}, CastContext::implicit);
    } else if (is_text(type) && is_text(other)) {
        // Only char(n) ignores blanks at the end, and only beside another.
        if (type != other) {
            left = cast(std::move(left), {SqlType::text, -1}, CastContext::implicit);
            right = cast(std::move(right), {SqlType::text, -1}, CastContext::implicit);
            type = SqlType::text;
        }
    } else if (is_moment(type) && is_moment(other)) {
        type = type == SqlType::timestamptz || other == SqlType::timestamptz ? SqlType::timestamptz
               : type == other                                               ? type
                                                                             : SqlType::timestamp;
        left = cast(std::move(left), {type, -1}, CastContext::implicit);
        right = cast(std::move(right), {type, -1}, CastContext::implicit);
    } else if ((is_reference(type) || is_integer(type)) && (is_reference(other) || is_integer(other))) {
        type = SqlType::oid;
    } else if (is_array(type) && is_array(other)) {
        // Of one type, that is: elements aren't converted here.
        const SqlType element = *element_of(type), other_element = *element_of(other);
        const bool texts = is_text(element) && is_text(other_element);
        if (type != other && !texts)
            return no_operator(name == "IS" || name == "IS NOT" ? "=" : name, left, right);
        if (element == SqlType::json || (element == SqlType::jsonb && ordered))
            return no_operator(name, left, right);
    } else if (type != other) {
        return no_operator(name == "IS" || name == "IS NOT" ? "=" : name, left, right);
    }
    if (type == SqlType::json || (type == SqlType::jsonb && ordered)) return no_operator(name, left, right);
    // The left one's is the one that counts.
    if (has_collation(left.sql)) left.sql = with_collation(left.sql, type);
    return of_type(SqlType::boolean,
                   fmt::format("({} {} {})", left.sql, name, with_collation(right.sql, type)));
}

Expression Translator::in_list(const PgQuery__AExpr& node, Scope& scope) {
    if (node.rexpr == nullptr || node.rexpr->node_case != PG_QUERY__NODE__NODE_LIST) return refuse("this IN");
    const auto& list = *node.rexpr->list;
    const bool negated = text_of(node.name[node.n_name - 1]) == "<>";
    if (node.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        std::string sql;
        for (std::size_t i = 0; i < list.n_items; ++i) {
            if (list.items[i]->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) return refuse("this IN");
            sql += (i == 0 ? "" : " OR ") +
                   row_comparison("=", *node.lexpr->row_expr, *list.items[i]->row_expr, scope).sql;
        }
        return of_type(SqlType::boolean, fmt::format("({}({}))", negated ? "NOT " : "", sql));
    }
    std::vector<Expression> values = expressions(list.items, list.n_items, scope);
    values.insert(values.begin(), expression(node.lexpr, scope));
    const Type type = common_type(values, "IN");
    for (auto& value : values) value = cast(std::move(value), {type.type, -1}, CastContext::implicit);
    std::string sql;
    for (std::size_t i = 1; i < values.size(); ++i) sql += (i == 1 ? "" : ", ") + values[i].sql;
    return of_type(SqlType::boolean, fmt::format("({} {} ({}))", with_collation(values[0].sql, type.type),
                                                 negated ? "NOT IN" : "IN", sql));
}

Expression Translator::row_comparison(const std::string& name, const PgQuery__RowExpr& left,
                                      const PgQuery__RowExpr& right, Scope& scope) {
    if (left.n_args != right.n_args)
        return fail(sqlstate::syntax_error, "unequal number of entries in row expressions");
    if (name == "=" || name == "<>") {
        std::string sql;
        for (std::size_t i = 0; i < left.n_args; ++i)
            sql += (i == 0        ? ""
                    : name == "=" ? " AND "
                                  : " OR ") +
                   comparison(name, expression(left.args[i], scope), expression(right.args[i], scope)).sql;
        return of_type(SqlType::boolean, "(" + sql + ")");
    }
    if (name != "<" && name != "<=" && name != ">" && name != ">=")
        return refuse(fmt::format("operator {} between rows", name));
    // The first pair that differs decides, from the right: a < b OR (a = b AND the rest).
    std::string sql;
    for (std::size_t i = left.n_args; i-- > 0;) {
        const auto compared = [&](const std::string& by) {
            return comparison(by, expression(left.args[i], scope), expression(right.args[i], scope)).sql;
        };
        sql = sql.empty()
                  ? compared(name)
                  : fmt::format("({} OR ({} AND {}))", compared(name.substr(0, 1)), compared("="), sql);
    }
    return of_type(SqlType::boolean, "(" + sql + ")");
}

}  // namespace understudy::database
