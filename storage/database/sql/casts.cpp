// SPDX-License-Identifier: Apache-2.0
// Types and conversions between them: PostgreSQL manual chapters 10.4, 10.5 and CREATE CAST's three contexts.
#include <algorithm>

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
    const std::string& sql = value.sql;
    const int from_rank = number_rank(from), to_rank = number_rank(to.type);
    result.sql = sql;
    if (from == to.type) {
    } else if (from_rank > 0 && to_rank > 0) {
        if (to_rank <= 3) {
            if (from_rank > to_rank)
                result.sql = fmt::format("understudy_to_{}({})",
                                         to_rank == 1   ? "int2"
                                         : to_rank == 2 ? "int4"
                                                        : "int8",
                                         sql);
        } else if (to.type == SqlType::numeric) {
            result.sql = from_rank <= 3 ? fmt::format("CAST({} AS TEXT)", sql)
                                        : fmt::format("understudy_float_to_numeric({})", sql);
        } else {
            result.sql = to.type == SqlType::float4 ? fmt::format("understudy_to_float4({})", sql)
                                                    : fmt::format("CAST({} AS REAL)", sql);
        }
    } else if (is_text(from) && is_text(to.type)) {
        if (from == SqlType::bpchar) result.sql = fmt::format("rtrim({}, ' ')", sql);
    } else if (is_reference(from) || is_reference(to.type)) {
        if (is_text(from))
            result.sql =
                fmt::format("understudy_{}({})", to.type == SqlType::regtype ? "regtype" : "regclass", sql);
        else if (is_text(to.type))
            result.sql = fmt::format("understudy_{}_name({})",
                                     from == SqlType::regclass  ? "regclass"
                                     : from == SqlType::regtype ? "regtype"
                                                                : "oid",
                                     sql);
    } else if (is_moment(from) && is_moment(to.type)) {
        if (to.type == SqlType::date)
            result.sql = fmt::format("substr({}, 1, 10)", sql);
        else if (from == SqlType::date)
            result.sql = fmt::format("({} || ' 00:00:00.000000{}')", sql,
                                     to.type == SqlType::timestamptz ? "+00" : "");
        else
            result.sql = to.type == SqlType::timestamptz ? fmt::format("({} || '+00')", sql)
                                                         : fmt::format("substr({}, 1, 26)", sql);
    } else if (to.type == SqlType::time && is_moment(from)) {
        result.sql = fmt::format("substr({}, 12, 15)", sql);
    } else if (from == SqlType::boolean && to.type == SqlType::int4) {
    } else if (from == SqlType::int4 && to.type == SqlType::boolean) {
        result.sql = fmt::format("({} <> 0)", sql);
    } else if (is_text(to.type) &&
               (from == SqlType::json || from == SqlType::jsonb || from == SqlType::uuid ||
                from == SqlType::numeric || from == SqlType::date)) {
        // Stored as it is shown, but a number's column compares as numbers do, and CAST wouldn't change that.
        // A date's has SQLite's affinity to numbers, and would make one of the text '7' beside it.
        if (from == SqlType::numeric) result.sql = fmt::format("({} COLLATE BINARY)", sql);
        if (from == SqlType::date) result.sql = fmt::format("(+{})", sql);
    } else if (is_array(from) && is_array(to.type)) {
        const bool alike = is_integer(*element_of(from)) && is_integer(*element_of(to.type)) &&
                           number_rank(*element_of(from)) < number_rank(*element_of(to.type));
        if (!alike)
            result.sql = fmt::format("understudy_array_convert({}, {}, {})", sql,
                                     static_cast<std::uint32_t>(from), oid);
    } else if (is_text(to.type) && is_integer(from)) {
        result.sql = fmt::format("CAST({} AS TEXT)", sql);
    } else if (is_text(to.type)) {
        result.sql = fmt::format("understudy_output({}, {})", sql, static_cast<std::uint32_t>(from));
    } else {
        // From text, or between json and jsonb: by the text.
        result.sql = fmt::format("understudy_input({}, {}, {})", sql, oid, -1);
    }
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

Type Translator::type_of(const PgQuery__TypeName& node, bool* serial) {
    const auto names = names_of(node.names, node.n_names);
    const std::string name = names.empty() ? std::string() : names.back();
    if (node.setof || node.pct_type) refuse("SETOF and %TYPE");
    if (serial != nullptr) {
        *serial = true;
        if (name == "serial" || name == "serial4") return {SqlType::int4, -1};
        if (name == "bigserial" || name == "serial8") return {SqlType::int8, -1};
        if (name == "smallserial" || name == "serial2") return {SqlType::int2, -1};
        *serial = false;
    }
    const auto found = type_from_name(name);
    if (!found || name == "serial") {
        // What PostgreSQL has and this service hasn't is told from what nobody has.
        constexpr const char* lacking[] = {"timetz",  "money",     "xml",       "inet",      "cidr",
                                           "macaddr", "bit",       "varbit",    "point",     "tsvector",
                                           "tsquery", "int4range", "int8range", "tstzrange", "hstore"};
        const bool known = std::find_if(std::begin(lacking), std::end(lacking), [&](const char* other) {
                               return name == other;
                           }) != std::end(lacking);
        if (known)
            refuse(fmt::format("type {}", name));
        else
            fail(sqlstate::undefined_object, "type \"{}\" does not exist", name);
        return {SqlType::text, -1};
    }
    Type type{*found, -1};
    if (node.n_array_bounds > 0) {
        const auto array = array_of(*found);
        if (!array) refuse(fmt::format("array type {}[]", name));
        // A modifier is the elements'.
        PgQuery__TypeName element = node;
        element.n_array_bounds = 0;
        return {array.value_or(SqlType::text_array), type_of(element).typmod};
    }
    std::vector<std::int64_t> modifiers;
    for (std::size_t i = 0; i < node.n_typmods; ++i)
        if (node.typmods[i]->node_case == PG_QUERY__NODE__NODE_A_CONST) {
            const auto& constant = *node.typmods[i]->a_const;
            modifiers.push_back(constant.val_case == PG_QUERY__A__CONST__VAL_IVAL ? constant.ival->ival : 0);
        }
    const bool sized = type.type == SqlType::varchar || type.type == SqlType::bpchar;
    if (modifiers.empty()) {
        if (type.type == SqlType::bpchar && name != "bpchar") type.typmod = length_typmod(1);
        return type;
    }
    if (sized) {
        if (modifiers[0] < 1) fail("22023", "length for type {} must be at least 1", type_name(type.type));
        if (modifiers[0] > 10'485'760)
            fail("22023", "length for type {} cannot exceed 10485760", type_name(type.type));
        type.typmod = length_typmod(modifiers[0]);
    } else if (type.type == SqlType::numeric) {
        const std::int64_t scale = modifiers.size() > 1 ? modifiers[1] : 0;
        if (modifiers[0] < 1 || modifiers[0] > 1000 || scale < -1000 || scale > 1000)
            fail("22023", "NUMERIC precision {} must be between 1 and 1000", modifiers[0]);
        type.typmod = numeric_typmod(modifiers[0], scale);
    } else if (is_moment(type.type) || type.type == SqlType::time) {
        if (modifiers[0] != 6) refuse(fmt::format("{}({}); use 6,", type_name(type.type), modifiers[0]));
    } else if (type.type == SqlType::interval) {
        refuse("interval with fields or a precision");
    } else {
        fail(sqlstate::syntax_error, "type modifier is not allowed for type \"{}\"", name);
    }
    return type;
}

Type Translator::common_type(const std::vector<Expression>& values, const char* what) {
    Type result;
    bool same_typmod = true;
    for (const auto& value : values) {
        const Type type = value.type;
        if (type.type == SqlType::unknown) continue;
        if (result.type == SqlType::unknown) {
            result = type;
            continue;
        }
        same_typmod = same_typmod && result.typmod == type.typmod;
        if (result.type == type.type) continue;
        if (is_text(result.type) && is_text(type.type)) {
            result.type = SqlType::text;
        } else if (castable(result.type, type.type, CastContext::implicit)) {
            result.type = type.type;
        } else if (!castable(type.type, result.type, CastContext::implicit)) {
            fail("42804", "{} types {} and {} cannot be matched", what, type_name(result.type),
                 type_name(type.type));
        }
    }
    if (result.type == SqlType::unknown) result.type = SqlType::text;
    if (!same_typmod) result.typmod = -1;
    return result;
}

}  // namespace understudy::database
