// SPDX-License-Identifier: Apache-2.0
// What stands in FROM: tables, sub-selects, joins. PostgreSQL manual chapter 7.2.1.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

std::string alias_name(const PgQuery__Alias* alias) {
    return alias == nullptr || alias->aliasname == nullptr ? std::string() : alias->aliasname;
}

}  // namespace

std::string Translator::from(PgQuery__Node* const* nodes, std::size_t count, Scope& scope) {
    std::string sql;
    for (std::size_t i = 0; i < count; ++i) sql += (i == 0 ? "" : ", ") + from_item(*nodes[i], scope);
    for (std::size_t i = 0; i < scope.ranges.size(); ++i)
        for (std::size_t other = i + 1; other < scope.ranges.size(); ++other)
            if (scope.ranges[i].alias == scope.ranges[other].alias)
                fail("42712", "table name \"{}\" specified more than once", scope.ranges[i].alias);
    return sql;
}

std::string Translator::from_item(const PgQuery__Node& node, Scope& scope) {
    switch (node.node_case) {
        case PG_QUERY__NODE__NODE_RANGE_VAR:
            return range_table(*node.range_var, scope);
        case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
            return range_select(*node.range_subselect, scope);
        case PG_QUERY__NODE__NODE_JOIN_EXPR:
            return join(*node.join_expr, scope);
        case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
            return range_function(*node.range_function, scope);
        default:
            refuse("this kind of FROM item");
            return {};
    }
}

const Table* Translator::table(const PgQuery__RangeVar& node, bool to_write) {
    const std::string schema = node.schemaname == nullptr ? "" : node.schemaname;
    const Table* found = catalog_.find(schema, node.relname);
    if (found == nullptr) {
        fail(sqlstate::undefined_table, "relation \"{}{}{}\" does not exist", schema,
             schema.empty() ? "" : ".", node.relname);
    } else if (to_write && found->kind == Table::Kind::view) {
        refuse(fmt::format("changing view \"{}\" (change its tables)", node.relname));
        return nullptr;
    } else if (to_write && found->kind == Table::Kind::sequence) {
        fail("42809", "cannot change sequence \"{}\"", node.relname);
        return nullptr;
    } else if (to_write && !found->writable) {
        fail(sqlstate::insufficient_privilege, "permission denied for relation \"{}\"", node.relname);
        return nullptr;
    }
    return found;
}

std::string Translator::range_table(const PgQuery__RangeVar& node, Scope& scope) {
    Range range;
    range.alias = alias_name(node.alias);
    if (range.alias.empty()) range.alias = node.relname;
    const std::string alias = quoted(range.alias);
    std::string sql;
    const bool in_schema = node.schemaname != nullptr && *node.schemaname != '\0';
    const auto common = std::find_if(
        common_tables_.rbegin(), common_tables_.rend(),
        [&](const CommonTable& candidate) { return !in_schema && candidate.name == node.relname; });
    if (common != common_tables_.rend() && common->refusal) {
        fail_with(*common->refusal, node.location);
        return "(SELECT NULL)";
    }
    if (common != common_tables_.rend()) {
        for (std::size_t i = 0; i < common->columns.size(); ++i)
            range.columns.push_back(
                {common->columns[i].name, common->columns[i].type, alias + "." + quoted(common->aliases[i])});
        sql = quoted(common->sql_name);
    } else if (const Table* found = table(node, false)) {
        if (found == unread_) refuse("reading the changed table in RETURNING or ON CONFLICT");
        for (const auto& column : found->columns)
            range.columns.push_back({column.name, column.type, alias + "." + quoted(column.name)});
        range.primary_key = found->primary_key;
        range.always_empty = found->always_empty;
        sql = found->sql;
    } else {
        return "(SELECT NULL)";
    }
    if (node.alias != nullptr && node.alias->n_colnames > 0) {
        const auto names = names_of(node.alias->colnames, node.alias->n_colnames);
        if (names.size() > range.columns.size())
            fail("42P10", "table \"{}\" has {} columns available but {} columns specified", range.alias,
                 range.columns.size(), names.size());
        for (std::size_t i = 0; i < std::min(names.size(), range.columns.size()); ++i)
            range.columns[i].name = names[i];
        range.primary_key.clear();
    }
    scope.ranges.push_back(std::move(range));
    return fmt::format("{} AS {}", sql, alias);
}

std::string Translator::range_select(const PgQuery__RangeSubselect& node, Scope& scope) {
    if (node.lateral) refuse("LATERAL");
    if (node.subquery == nullptr || node.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        refuse("this sub-select");
        return {};
    }
    const auto names = node.alias == nullptr ? std::vector<std::string>()
                                             : names_of(node.alias->colnames, node.alias->n_colnames);
    const Relation inner = select(*node.subquery->select_stmt, const_cast<Scope*>(scope.outer), names);
    Range range;
    range.alias = alias_name(node.alias);
    if (range.alias.empty()) range.alias = fmt::format("?range{}?", ++range_count_);
    for (std::size_t i = 0; i < inner.columns.size(); ++i)
        range.columns.push_back({inner.columns[i].name, inner.columns[i].type,
                                 quoted(range.alias) + "." + quoted(inner.aliases[i])});
    scope.ranges.push_back(range);
    return fmt::format("({}) AS {}", inner.sql, quoted(range.alias));
}

// generate_series() of integers.
std::string Translator::range_function(const PgQuery__RangeFunction& node, Scope& scope) {
    if (node.n_functions != 1 || node.functions[0]->node_case != PG_QUERY__NODE__NODE_LIST ||
        node.functions[0]->list->n_items == 0 ||
        node.functions[0]->list->items[0]->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
        refuse("this function in FROM");
        return {};
    }
    const auto& call = *node.functions[0]->list->items[0]->func_call;
    const std::string name(text_of(call.funcname[call.n_funcname - 1]));
    if (name == "unnest" && call.n_args == 1 && node.n_coldeflist == 0) return unnest(node, call, scope);
    if (name != "generate_series" || node.ordinality || node.n_coldeflist > 0 || call.n_args < 2 ||
        call.n_args > 3) {
        refuse(fmt::format("{}() in FROM", name));
        return {};
    }
    Scope arguments;
    arguments.outer = scope.outer;
    const Standing here(place_, place::from_function);
    auto values = expressions(call.args, call.n_args, arguments);
    const Type type = common_type(values, "generate_series");
    if (!is_integer(type.type)) refuse("generate_series() of other than integers");
    for (auto& value : values) value = cast(std::move(value), {type.type, -1}, CastContext::implicit);
    const std::string step = values.size() > 2 ? values[2].sql : "1";
    Range range;
    range.alias = alias_name(node.alias);
    if (range.alias.empty()) range.alias = name;
    std::string column = range.alias;
    if (node.alias != nullptr && node.alias->n_colnames > 0) column = text_of(node.alias->colnames[0]);
    range.columns.push_back({column, type, quoted(range.alias) + "." + quoted(column)});
    scope.ranges.push_back(range);
    return fmt::format(
        "(WITH RECURSIVE s(v, last, step) AS (SELECT a, b, c FROM (SELECT {0} AS a, {1} AS b, "
        "understudy_step({2}) AS c) "
        "WHERE (c > 0 AND a <= b) OR (c < 0 AND a >= b) UNION ALL SELECT v + step, last, step FROM s WHERE "
        "(step > 0 AND v + step <= last) OR (step < 0 AND v + step >= last)) SELECT v AS {3} FROM s) AS {4}",
        values[0].sql, values[1].sql, step, quoted(column), quoted(range.alias));
}

std::string Translator::join(const PgQuery__JoinExpr& node, Scope& scope) {
    if (node.alias != nullptr || node.join_using_alias != nullptr) refuse("an alias of a join");
    const std::size_t first_left = scope.ranges.size(), merged_before = scope.merged.size();
    const std::string left = from_item(*node.larg, scope);
    const std::size_t first_right = scope.ranges.size(), merged_left = scope.merged.size();
    const std::string right = from_item(*node.rarg, scope);
    // An outer join has the rows of its other side all the same.
    const bool keeps_left =
        node.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT || node.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    const bool keeps_right =
        node.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT || node.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    for (std::size_t i = first_left; i < scope.ranges.size(); ++i)
        if (i < first_right ? keeps_right : keeps_left) scope.ranges[i].always_empty = false;
    const char* word = "JOIN";
    if (node.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT) word = "LEFT JOIN";
    if (node.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT) word = "RIGHT JOIN";
    if (node.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL) word = "FULL JOIN";

    // A column of one side by its name: a joined one of that side, or the only one that its ranges have.
    const auto side_column = [&](const std::string& name, bool on_left) -> RangeColumn* {
        const std::size_t begin = on_left ? merged_before : merged_left,
                          end = on_left ? merged_left : scope.merged.size();
        for (std::size_t i = begin; i < end; ++i)
            if (scope.merged[i].name == name) return &scope.merged[i];
        RangeColumn* found = nullptr;
        for (std::size_t i = on_left ? first_left : first_right;
             i < (on_left ? first_right : scope.ranges.size()); ++i)
            for (auto& column : scope.ranges[i].columns)
                if (column.name == name && !column.merged) {
                    if (found != nullptr)
                        fail(sqlstate::ambiguous_column, "common column name \"{}\" appears more than once",
                             name);
                    found = &column;
                }
        return found;
    };
    std::vector<std::string> names = names_of(node.using_clause, node.n_using_clause);
    if (node.is_natural) {
        for (std::size_t i = first_left; i < first_right; ++i)
            for (const auto& column : scope.ranges[i].columns)
                for (std::size_t other = first_right; other < scope.ranges.size(); ++other)
                    for (const auto& candidate : scope.ranges[other].columns)
                        if (column.name == candidate.name &&
                            std::find(names.begin(), names.end(), column.name) == names.end())
                            names.push_back(column.name);
    }
    std::string on;
    std::vector<RangeColumn> merged;
    for (const auto& name : names) {
        RangeColumn *ours = side_column(name, true), *theirs = side_column(name, false);
        if (ours == nullptr || theirs == nullptr) {
            fail(sqlstate::undefined_column,
                 "column \"{}\" specified in USING clause does not exist in {} table", name,
                 ours == nullptr ? "left" : "right");
            return left;
        }
        Expression left_value, right_value;
        left_value.sql = ours->sql;
        left_value.type = ours->type;
        right_value.sql = theirs->sql;
        right_value.type = theirs->type;
        on += (on.empty() ? "" : " AND ") + comparison("=", left_value, right_value).sql;
        const Type type = common_type({left_value, right_value}, "JOIN/USING");
        left_value = cast(std::move(left_value), type, CastContext::implicit);
        right_value = cast(std::move(right_value), type, CastContext::implicit);
        merged.push_back({name, type,
                          node.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? right_value.sql
                          : node.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL
                              ? fmt::format("coalesce({}, {})", left_value.sql, right_value.sql)
                              : left_value.sql});
        ours->merged = theirs->merged = true;
    }
    // Joined names of the sides that this join joins again are this join's now.
    for (auto& column : scope.merged)
        if (std::find(names.begin(), names.end(), column.name) != names.end() && column.merged)
            column.name.clear();
    scope.merged.erase(std::remove_if(scope.merged.begin(), scope.merged.end(),
                                      [](const RangeColumn& column) { return column.name.empty(); }),
                       scope.merged.end());
    scope.merged.insert(scope.merged.begin(), merged.begin(), merged.end());
    if (node.quals != nullptr) {
        // Only the two sides can be meant.
        Scope inner;
        inner.outer = scope.outer;
        inner.ranges.assign(scope.ranges.begin() + static_cast<std::ptrdiff_t>(first_left),
                            scope.ranges.end());
        inner.merged = scope.merged;
        on = condition_at(place::join, node.quals, inner, "JOIN/ON").sql;
    }
    const bool nested = node.rarg->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR;
    return fmt::format("{} {} {}{}{}{}", left, word, nested ? "(" : "", right, nested ? ")" : "",
                       on.empty() ? "" : " ON " + on);
}

}  // namespace understudy::database
