// SPDX-License-Identifier: Apache-2.0
// UPDATE and DELETE, and what they share with INSERT: PostgreSQL manual, SQL commands.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
const TableColumn* column_of(const Table& table, std::string_view name) {
    for (const auto& column : table.columns)
        if (column.name == name) return &column;
    return nullptr;
}

std::string alias_of(const PgQuery__RangeVar& relation) {
    return relation.alias != nullptr && relation.alias->aliasname != nullptr ? relation.alias->aliasname
                                                                             : relation.relname;
}

namespace {

// A NULL for SQLite's row number would be taken as a wish for the next one.
std::string guarded(const std::string& sql, const TableColumn& column, const Table& table) {
    if (!column.row_number) return sql;
    return fmt::format("understudy_not_null({}, {}, {})", sql, sql_literal(Stored(column.name)),
                       sql_literal(Stored(table.name)));
}

}  // namespace

std::string defaulted(const TableColumn& column, const Table& table) {
    if (column.row_number && !column.serial)
        return guarded(column.default_sql.empty() ? "NULL" : column.default_sql, column, table);
    return column.default_sql.empty() ? "NULL" : column.default_sql;
}

Scope Translator::table_scope(const Table& table, const PgQuery__RangeVar& relation, bool qualified) {
    Range range;
    range.alias = alias_of(relation);
    for (const auto& column : table.columns)
        range.columns.push_back(
            {column.name, column.type, (qualified ? quoted(range.alias) + "." : "") + quoted(column.name)});
    range.primary_key = table.primary_key;
    Scope scope;
    scope.ranges.push_back(std::move(range));
    return scope;
}

std::string Translator::assigned(Expression value, const TableColumn& column, const Table& table) {
    const SqlType from = value.type.type;
    if (value.parameter == 0 && !castable(from, column.type.type, CastContext::assignment))
        fail("42804", "column \"{}\" is of type {} but expression is of type {}", column.name,
             type_name(column.type.type), type_name(from));
    return guarded(cast(std::move(value), column.type, CastContext::assignment).sql, column, table);
}

std::string Translator::assignments(PgQuery__Node* const* nodes, std::size_t count, const Table& table,
                                    Scope& scope) {
    std::string sql;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& target = *nodes[i]->res_target;
        const TableColumn* column = column_of(table, target.name);
        if (column == nullptr) {
            fail(sqlstate::undefined_column, "column \"{}\" of relation \"{}\" does not exist", target.name,
                 table.name);
            return {};
        }
        for (std::size_t other = 0; other < i; ++other)
            if (std::string_view(nodes[other]->res_target->name) == target.name)
                fail(sqlstate::syntax_error, "multiple assignments to same column \"{}\"", target.name);
        if (target.n_indirection > 0) refuse("a part of a column as target");
        if (target.val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
            refuse("UPDATE … SET (a, b) = …");
            return {};
        }
        const std::string value =
            target.val->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT
                ? defaulted(*column, table)
                : assigned(expression_at(place::update, target.val, scope), *column, table);
        sql += fmt::format("{}{} = {}", i == 0 ? "" : ", ", quoted(column->name), value);
    }
    return sql;
}

std::string Translator::returning(PgQuery__Node* const* nodes, std::size_t count, const Table& table,
                                  const PgQuery__RangeVar& relation, Statement& statement) {
    if (count == 0) return {};
    // SQLite knows only the changed table there, without its alias. And it compares as numbers what it
    // shouldn't (3.40: '' > '12' is true), but for expressions: hence the plus.
    Scope scope = table_scope(table, relation, false);
    for (auto& column : scope.ranges[0].columns)
        column.sql = fmt::format("+{}.{}", quoted(table.name), column.sql);
    const Standing here(place_, place::returning);
    std::string list;
    const Restored<const Table*> unread(unread_, &table);
    for (const auto& target : targets(nodes, count, scope)) {
        list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", target.value.sql, quoted(target.name));
        statement.columns.push_back({target.name, target.value.type});
    }
    return " RETURNING " + list;
}

Statement Translator::update(const PgQuery__UpdateStmt& node) {
    Statement result;
    result.kind = StatementKind::update;
    result.tag = "UPDATE";
    result.counts_rows = true;
    const std::string prefix = with(node.with_clause, nullptr);
    const Table* changed = table(*node.relation, true);
    if (changed == nullptr) return result;
    Scope scope = table_scope(*changed, *node.relation, true);
    std::string source;
    if (node.n_from_clause > 0) source = " FROM " + from(node.from_clause, node.n_from_clause, scope);
    const std::string values = assignments(node.target_list, node.n_target_list, *changed, scope);
    // A query there sees the table as it was before. Only with a FROM does SQLite compute all values before
    // it changes the first row.
    if (source.empty() && values.find("SELECT ") != std::string::npos) source = " FROM (SELECT 1)";
    result.sql = fmt::format("{}UPDATE {} AS {} SET {}{}", prefix, changed->sql,
                             quoted(scope.ranges[0].alias), values, source);
    if (node.where_clause != nullptr) {
        if (node.where_clause->node_case == PG_QUERY__NODE__NODE_CURRENT_OF_EXPR) refuse("WHERE CURRENT OF");
        result.sql += " WHERE " + condition_at(place::where, node.where_clause, scope, "WHERE").sql;
    }
    result.sql += returning(node.returning_list, node.n_returning_list, *changed, *node.relation, result);
    return result;
}

Statement Translator::remove(const PgQuery__DeleteStmt& node) {
    Statement result;
    result.kind = StatementKind::remove;
    result.tag = "DELETE";
    result.counts_rows = true;
    const std::string prefix = with(node.with_clause, nullptr);
    const Table* changed = table(*node.relation, true);
    if (changed == nullptr) return result;
    Scope scope = table_scope(*changed, *node.relation, true);
    const std::string alias = quoted(scope.ranges[0].alias);
    result.sql = fmt::format("{}DELETE FROM {} AS {}", prefix, changed->sql, alias);
    if (node.n_using_clause > 0) {
        const std::string source = from(node.using_clause, node.n_using_clause, scope);
        const std::string where = node.where_clause == nullptr
                                      ? std::string("1")
                                      : condition_at(place::where, node.where_clause, scope, "WHERE").sql;
        result.sql += fmt::format(" WHERE rowid IN (SELECT {0}.rowid FROM {1} AS {0}, {2} WHERE {3})", alias,
                                  changed->sql, source, where);
    } else if (node.where_clause != nullptr) {
        result.sql += " WHERE " + condition_at(place::where, node.where_clause, scope, "WHERE").sql;
    }
    result.sql += returning(node.returning_list, node.n_returning_list, *changed, *node.relation, result);
    return result;
}

}  // namespace understudy::database
