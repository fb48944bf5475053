// SPDX-License-Identifier: Apache-2.0
// Types and conversions between them: PostgreSQL manual chapters 10.4, 10.5 and CREATE CAST's three contexts.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

bool is_reference(SqlType type) {
    return type == SqlType::oid || type == SqlType::regclass || type == SqlType::regtype;
}

int number_rank(SqlType type) {
    switch (type) {
        case SqlType::int2:
            return 1;
        case SqlType::int4:
            return 2;
        case SqlType::int8:
            return 3;
        case SqlType::numeric:
            return 4;
        case SqlType::float4:
            return 5;
        case SqlType::float8:
            return 6;
        default:
            return 0;
    }
}

std::string number_converted(const std::string& sql, SqlType from, SqlType to) {
    const int from_rank = number_rank(from);
    switch (to) {
        case SqlType::numeric:
            return from_rank <= 3 ? fmt::format("CAST({} AS TEXT)", sql)
                                  : fmt::format("understudy_float_to_numeric({})", sql);
        case SqlType::float4:
            return fmt::format("understudy_to_float4({})", sql);
        case SqlType::float8:
            return fmt::format("CAST({} AS REAL)", sql);
        default:
            if (from_rank <= number_rank(to)) return sql;
            return fmt::format("understudy_to_{}({})",
                               to == SqlType::int2   ? "int2"
                               : to == SqlType::int4 ? "int4"
                                                     : "int8",
                               sql);
    }
}

std::string reference_converted(const std::string& sql, SqlType from, SqlType to) {
    if (is_text(from))
        return fmt::format("understudy_{}({})", to == SqlType::regtype ? "regtype" : "regclass", sql);
    if (!is_text(to)) return sql;
    return fmt::format("understudy_{}_name({})",
                       from == SqlType::regclass  ? "regclass"
                       : from == SqlType::regtype ? "regtype"
                                                  : "oid",
                       sql);
}

std::string moment_converted(const std::string& sql, SqlType from, SqlType to) {
    if (to == SqlType::time) return fmt::format("substr({}, 12, 15)", sql);
    if (to == SqlType::date) return fmt::format("substr({}, 1, 10)", sql);
    if (from == SqlType::date)
        return fmt::format("({} || ' 00:00:00.000000{}')", sql, to == SqlType::timestamptz ? "+00" : "");
    return to == SqlType::timestamptz ? fmt::format("({} || '+00')", sql)
                                      : fmt::format("substr({}, 1, 26)", sql);
}

std::string array_converted(const std::string& sql, SqlType from, SqlType to) {
    const SqlType element = *element_of(from), wanted = *element_of(to);
    if (is_integer(element) && is_integer(wanted) && number_rank(element) < number_rank(wanted)) return sql;
    return fmt::format("understudy_array_convert({}, {}, {})", sql, static_cast<std::uint32_t>(from),
                       static_cast<std::uint32_t>(to));
}

std::string text_converted(const std::string& sql, SqlType from) {
    if (is_text(from)) return from == SqlType::bpchar ? fmt::format("rtrim({}, ' ')", sql) : sql;
    switch (from) {
        case SqlType::json:
        case SqlType::jsonb:
        case SqlType::uuid:
            return sql;         // stored as it is shown
        case SqlType::numeric:  // a number's column compares as numbers do, and CAST wouldn't change that
            return fmt::format("({} COLLATE BINARY)", sql);
        case SqlType::date:  // its affinity to numbers would make one of the text '7' beside it
            return fmt::format("(+{})", sql);
        default:
            return is_integer(from)
                       ? fmt::format("CAST({} AS TEXT)", sql)
                       : fmt::format("understudy_output({}, {})", sql, static_cast<std::uint32_t>(from));
    }
}

// The SQL of a stored value as another type, where a cast is allowed; without the type's modifier.
std::string converted(const std::string& sql, SqlType from, SqlType to) {
    if (from == to || (from == SqlType::boolean && to == SqlType::int4)) return sql;
    if (number_rank(from) > 0 && number_rank(to) > 0) return number_converted(sql, from, to);
    if (is_text(from) && is_text(to)) return text_converted(sql, from);
    if (is_reference(from) || is_reference(to)) return reference_converted(sql, from, to);
    if (is_moment(from) && (is_moment(to) || to == SqlType::time)) return moment_converted(sql, from, to);
    if (from == SqlType::int4 && to == SqlType::boolean) return fmt::format("({} <> 0)", sql);
    if (is_array(from) && is_array(to)) return array_converted(sql, from, to);
    if (is_text(to)) return text_converted(sql, from);
    // From text, or between json and jsonb: by the text.
    return fmt::format("understudy_input({}, {}, {})", sql, static_cast<std::uint32_t>(to), -1);
}

}  // namespace

bool Translator::castable(SqlType from, SqlType to, CastContext context) {
    if (from == to || from == SqlType::unknown) return true;
    const bool assignment = context != CastContext::implicit, explicitly = context == CastContext::explicitly;
    const int from_rank = number_rank(from), to_rank = number_rank(to);
    if (from_rank > 0 && to_rank > 0) return from_rank < to_rank || assignment;
    if (is_text(from) && is_text(to)) return true;
    if ((is_number(from) && from_rank <= 3 && is_reference(to)) || (is_reference(from) && is_reference(to)))
        return true;
    if (is_reference(from) && (to == SqlType::int8 || to == SqlType::int4))
        return to == SqlType::int8 || assignment;
    if (is_moment(from) && is_moment(to)) {
        if (from == SqlType::date) return true;
        return (from == SqlType::timestamp && to == SqlType::timestamptz) || assignment;
    }
    if (to == SqlType::time && (from == SqlType::timestamp || from == SqlType::timestamptz))
        return assignment;
    if (from == SqlType::time && to == SqlType::interval) return true;
    if ((from == SqlType::json && to == SqlType::jsonb) || (from == SqlType::jsonb && to == SqlType::json))
        return assignment;
    if (is_array(from) && is_array(to)) {
        const SqlType element = *element_of(from), wanted = *element_of(to);
        // A number loses digits only one by one.
        const bool narrows = number_rank(element) > 0 && number_rank(wanted) > 0 && !is_integer(element) &&
                             wanted != SqlType::float8 && wanted != SqlType::float4;
        return !narrows && castable(element, wanted, context);
    }
    if (is_text(to)) return assignment;  // every type has a text
    if (is_text(from)) return explicitly || (from == SqlType::text && to == SqlType::regclass);
    if (from == SqlType::boolean && to == SqlType::int4) return explicitly;
    if (from == SqlType::int4 && to == SqlType::boolean) return explicitly;
    return false;
}

Expression Translator::cast(Expression value, Type to, CastContext context) {
    const SqlType from = value.type.type;
    Expression result;
    result.type = to;
    result.name = value.name;
    const auto oid = static_cast<std::uint32_t>(to.type);
    if (value.null_literal && from == SqlType::unknown) {
        result.sql = "NULL";
        result.null_literal = true;
        return result;
    }
    if (value.literal) {  // of an unknown type, or one that took its neighbour's
        const bool by_name = to.type == SqlType::regclass || to.type == SqlType::regtype;
        if (by_name && value.literal->find_first_not_of("0123456789") != std::string::npos) {
            result.sql =
                fmt::format("understudy_{}({})", to.type == SqlType::regclass ? "regclass" : "regtype",
                            sql_literal(Stored(*value.literal)));
            if (to.type == SqlType::regclass) result.relation = value.literal;
            return result;
        }
        auto stored =
            input_text({to.type, context == CastContext::explicitly ? -1 : to.typmod}, *value.literal);
        if (stored.has_value() && context == CastContext::explicitly) stored = fit(to, *stored, true);
        if (stored.has_error()) return fail_with(stored.error());
        result.sql = sql_literal(*stored);
        return result;
    }
    if (value.parameter > 0) {
        auto& type = parameters_[static_cast<std::size_t>(value.parameter) - 1];
        if (type == SqlType::unknown) type = to.type;
        if (type == to.type) {
            result.sql = to.typmod < 0 ? value.sql
                                       : fmt::format("understudy_fit({}, {}, {}, {})", value.sql, oid,
                                                     to.typmod, context == CastContext::explicitly ? 1 : 0);
            return result;
        }
        value.type.type = type;
        value.parameter = 0;
        return cast(std::move(value), to, context);
    }
    if (from == SqlType::unknown) {  // a column that a UNION or INSERT took from a sub-select's literals
        value.type.type = SqlType::text;
        return cast(std::move(value), to, CastContext::explicitly);
    }
    if (from != to.type && !castable(from, to.type, context)) {
        const bool column = context == CastContext::assignment;
        return fail(column ? "42804" : "42846", "cannot {} type {} to {}", column ? "assign" : "cast",
                    type_name(from), type_name(to.type));
    }
    result.sql = converted(value.sql, from, to.type);
    // A modifier that the value doesn't have yet.
    const bool fitted = to.typmod < 0 || (from == to.type && value.type.typmod == to.typmod) ||
                        (to.type != SqlType::numeric && to.type != SqlType::varchar &&
                         to.type != SqlType::bpchar && !is_array(to.type));
    if (!fitted)
        result.sql = fmt::format("understudy_fit({}, {}, {}, {})", result.sql, oid, to.typmod,
                                 context == CastContext::explicitly ? 1 : 0);
    return result;
}

Expression Translator::settled(Expression value) {
    if (!value.undecided()) return value;
    const bool null = value.null_literal;
    Expression result = cast(std::move(value), {SqlType::text, -1}, CastContext::implicit);
    result.null_literal = null;
    return result;
}

Expression Translator::cast_node(const PgQuery__TypeCast& node, Scope& scope) {
    const Type type = type_of(*node.type_name);
    // The elements of ARRAY[…] take the type that the whole is cast to.
    Expression value = node.arg->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR && is_array(type.type)
                           ? array_expression(*node.arg->a_array_expr, scope, type)
                           : expression(node.arg, scope);
    const bool named = !value.name.empty() && value.name != "?column?" && !value.weak_name;
    Expression result = cast(std::move(value), type, CastContext::explicitly);
    if (!named) {
        const auto names = names_of(node.type_name->names, node.type_name->n_names);
        result.name = names.empty() ? std::string() : names.back();
        result.weak_name = true;
    }
    return result;
}

}  // namespace understudy::database
