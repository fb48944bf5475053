// SPDX-License-Identifier: Apache-2.0
// The types that a statement names, and the one that several values share: PostgreSQL manual chapters 8
// and 10.5.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {

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
