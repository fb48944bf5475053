// SPDX-License-Identifier: Apache-2.0
// GROUP BY and ORDER BY: PostgreSQL manual chapters 7.2.3 and 7.5, SQL command SELECT.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

// The index, from 0, that an integer constant means; nothing for another node.
std::optional<std::int64_t> position_of(const PgQuery__Node& node) {
    if (node.node_case != PG_QUERY__NODE__NODE_A_CONST ||
        node.a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return std::nullopt;
    return node.a_const->ival->ival - 1;
}

bool is_other_constant(const PgQuery__Node& node) {
    return node.node_case == PG_QUERY__NODE__NODE_A_CONST && !position_of(node);
}

std::string bare_name(const PgQuery__Node& node) {
    if (node.node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node.column_ref->n_fields != 1) return {};
    return std::string(text_of(node.column_ref->fields[0]));
}

}  // namespace

void Translator::group(const PgQuery__SelectStmt& node, Scope& scope, std::string& sql) {
    for (std::size_t i = 0; i < node.n_group_clause; ++i) {
        const PgQuery__Node* item = node.group_clause[i];
        if (item->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
            refuse("GROUPING SETS, CUBE and ROLLUP");
            return;
        }
        // A position, or a result column's name where no input column has it, stands for that column's
        // expression.
        if (is_other_constant(*item)) {
            fail(sqlstate::syntax_error, "non-integer constant in GROUP BY");
            return;
        }
        if (const auto position = position_of(*item)) {
            if (*position < 0 || *position >= static_cast<std::int64_t>(node.n_target_list)) {
                fail("42P10", "GROUP BY position {} is not in select list", *position + 1);
                return;
            }
            item = node.target_list[*position]->res_target->val;
        } else if (const std::string name = bare_name(*item);
                   !name.empty() && find_column(scope, {}, name).has_error()) {
            for (std::size_t target = 0; target < node.n_target_list; ++target)
                if (const auto& candidate = *node.target_list[target]->res_target;
                    candidate.name != nullptr && name == candidate.name)
                    item = candidate.val;
        }
        const Expression key = settled(expression_at(place::group_by, item, scope));
        scope.group_keys.push_back(key.sql);
        sql += (i == 0 ? " GROUP BY " : ", ") +
               key_sql(key, with_collation(key.sql, key.type.type), scope, {}, "GROUP BY");
    }
}

std::string Translator::sort_suffix(const PgQuery__SortBy& sort) {
    const bool descending = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) refuse("ORDER BY … USING");
    const bool first = sort.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
                       (descending && sort.sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST);
    return fmt::format("{} NULLS {}", descending ? " DESC" : "", first ? "FIRST" : "LAST");
}

Expression Translator::sort_key(const PgQuery__Node& node, Scope& scope, const std::vector<Target>& targets,
                                const char* clause) {
    if (is_other_constant(node)) return fail(sqlstate::syntax_error, "non-integer constant in {}", clause);
    if (const auto position = position_of(node)) {
        if (*position < 0 || *position >= static_cast<std::int64_t>(targets.size()))
            return fail("42P10", "{} position {} is not in select list", clause, *position + 1);
        return targets[static_cast<std::size_t>(*position)].value;
    }
    // A result column's name goes before an input column's.
    const std::string name = bare_name(node);
    const auto named = std::find_if(targets.begin(), targets.end(), [&](const Target& target) {
        return !name.empty() && target.name == name;
    });
    return named != targets.end() ? named->value : settled(expression(&node, scope));
}

// What SQLite groups or orders by, where it would take a bare number for a position and knows no columns of
// the queries around it. What is the same for all rows neither groups nor orders.
std::string Translator::key_sql(const Expression& key, const std::string& sql, const Scope& scope,
                                const std::vector<Target>& targets, const char* clause) {
    if (is_bare_number(key.sql)) return "NULL";
    const int here = scope.level();
    if (key.levels.outermost >= here) return sql;
    if (key.levels.innermost < here) return "NULL";
    for (std::size_t i = 0; i < targets.size(); ++i)
        if (targets[i].value.sql == key.sql) return std::to_string(i + 1);
    refuse(fmt::format("an expression over a column of a query around it in {}", clause));
    return "NULL";
}

std::string Translator::order(PgQuery__Node* const* nodes, std::size_t count, Scope& scope,
                              const std::vector<Target>& targets, bool distinct) {
    std::string sql;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& sort = *nodes[i]->sort_by;
        const Expression key = sort_key(*sort.node, scope, targets, "ORDER BY");
        if (distinct && std::none_of(targets.begin(), targets.end(),
                                     [&](const Target& target) { return target.value.sql == key.sql; }))
            fail("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
        if (key.type.type == SqlType::json)
            fail(sqlstate::undefined_function, "could not identify an ordering operator for type json");
        sql += fmt::format(
            "{}{}{}", i == 0 ? " ORDER BY " : ", ",
            key_sql(key, with_collation("(" + key.sql + ")", key.type.type), scope, targets, "ORDER BY"),
            sort_suffix(sort));
    }
    return sql;
}

}  // namespace understudy::database
