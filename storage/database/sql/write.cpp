// SPDX-License-Identifier: Apache-2.0
// INSERT, UPDATE and DELETE: PostgreSQL manual, SQL commands.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

const TableColumn* column_of(const Table& table, std::string_view name) {
    for (const auto& column : table.columns)
        if (column.name == name) return &column;
    return nullptr;
}

std::string alias_of(const PgQuery__RangeVar& relation) {
    return relation.alias != nullptr && relation.alias->aliasname != nullptr ? relation.alias->aliasname
                                                                             : relation.relname;
}

// A NULL for SQLite's row number would be taken as a wish for the next one.
std::string guarded(const std::string& sql, const TableColumn& column, const Table& table) {
    if (!column.row_number) return sql;
    return fmt::format("understudy_not_null({}, {}, {})", sql, sql_literal(Stored(column.name)),
                       sql_literal(Stored(table.name)));
}

std::string defaulted(const TableColumn& column, const Table& table) {
    if (column.row_number && !column.serial)
        return guarded(column.default_sql.empty() ? "NULL" : column.default_sql, column, table);
    return column.default_sql.empty() ? "NULL" : column.default_sql;
}

// Whether some row of the INSERT says nothing of the column, or DEFAULT.
bool takes_default(const PgQuery__InsertStmt& node, const std::vector<const TableColumn*>& columns,
                   const TableColumn& column) {
    const auto at = std::find(columns.begin(), columns.end(), &column);
    if (node.select_stmt == nullptr || at == columns.end()) return true;
    const auto index = static_cast<std::size_t>(at - columns.begin());
    const auto& source = *node.select_stmt->select_stmt;
    for (std::size_t row = 0; row < source.n_values_lists; ++row) {
        const auto& list = *source.values_lists[row]->list;
        if (index >= list.n_items || list.items[index]->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
            return true;
    }
    return false;
}

}  // namespace

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

Statement Translator::insert(const PgQuery__InsertStmt& node) {
    Statement result;
    result.kind = StatementKind::insert;
    result.tag = "INSERT 0";
    result.counts_rows = true;
    const std::string prefix = with(node.with_clause, nullptr);
    const Table* into = table(*node.relation, true);
    if (into == nullptr) return result;
    std::vector<const TableColumn*> columns;
    for (std::size_t i = 0; i < node.n_cols; ++i) {
        const auto& target = *node.cols[i]->res_target;
        const TableColumn* column = column_of(*into, target.name);
        if (column == nullptr) {
            fail(sqlstate::undefined_column, "column \"{}\" of relation \"{}\" does not exist", target.name,
                 into->name);
            return result;
        }
        if (target.n_indirection > 0) refuse("a part of a column as target");
        if (std::find(columns.begin(), columns.end(), column) != columns.end())
            fail("42701", "column \"{}\" specified more than once", target.name);
        columns.push_back(column);
    }
    const bool named = node.n_cols > 0;
    if (!named)
        for (const auto& column : into->columns) columns.push_back(&column);
    result.sql = fmt::format("{}INSERT INTO {} AS {}", prefix, into->sql, quoted(alias_of(*node.relation)));
    result.sql += insert_rows(node, *into, columns, nullptr);
    for (const auto& column : into->columns)
        if (column.serial && takes_default(node, columns, column))
            result.serial = fmt::format("{}_{}_seq", into->name, column.name);
    if (node.on_conflict_clause != nullptr)
        result.sql += on_conflict(*node.on_conflict_clause, *into, alias_of(*node.relation));
    result.sql += returning(node.returning_list, node.n_returning_list, *into, *node.relation, result);
    return result;
}

std::string Translator::insert_rows(const PgQuery__InsertStmt& node, const Table& table,
                                    std::vector<const TableColumn*> columns, Scope* outer) {
    const bool named = node.n_cols > 0;
    std::vector<const TableColumn*> omitted;  // that SQLite would number, though they aren't serial
    const auto column_list = [&] {
        std::string list;
        for (const auto* column : columns) list += (list.empty() ? "" : ", ") + quoted(column->name);
        for (const auto* column : omitted) list += (list.empty() ? "" : ", ") + quoted(column->name);
        return list;
    };
    const auto find_omitted = [&] {
        for (const auto& column : table.columns)
            if (column.row_number && !column.serial &&
                std::find(columns.begin(), columns.end(), &column) == columns.end())
                omitted.push_back(&column);
    };
    const auto check_count = [&](std::size_t count) {
        if (count > columns.size())
            fail(sqlstate::syntax_error, "INSERT has more expressions than target columns");
        if (count < columns.size() && named)
            fail(sqlstate::syntax_error, "INSERT has more target columns than expressions");
        columns.resize(std::min(count, columns.size()));
    };
    if (node.select_stmt == nullptr) {
        columns.clear();
        find_omitted();
        // SQLite has no ON CONFLICT after DEFAULT VALUES: the first column that can be named takes its
        // default.
        if (omitted.empty() && node.on_conflict_clause != nullptr)
            for (const auto& column : table.columns)
                if (!column.generated && omitted.empty()) omitted.push_back(&column);
        if (omitted.empty()) return " DEFAULT VALUES";
        return fmt::format(" ({}) VALUES ({})", column_list(), defaulted(*omitted[0], table));
    }
    const auto& source = *node.select_stmt->select_stmt;
    if (source.n_values_lists == 0) {
        const Relation rows = select(source, outer, {}, true);
        check_count(rows.columns.size());
        if (columns.empty()) refuse("INSERT of rows without columns");
        find_omitted();
        std::string list;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i]->generated)
                fail("428C9", "cannot insert a non-DEFAULT value into column \"{}\"", columns[i]->name);
            list += (i == 0 ? "" : ", ") + assigned(result_column(rows, i), *columns[i], table);
        }
        for (const auto* column : omitted) list += ", " + defaulted(*column, table);
        // Without WHERE, SQLite reads ON CONFLICT as a join's ON.
        return fmt::format(" ({}) SELECT {} FROM ({}) WHERE true", column_list(), list, rows.sql);
    }
    check_count(source.values_lists[0]->list->n_items);
    find_omitted();
    std::string rows;
    Scope scope;
    scope.outer = outer;
    for (std::size_t row = 0; row < source.n_values_lists; ++row) {
        const auto& list = *source.values_lists[row]->list;
        if (list.n_items != source.values_lists[0]->list->n_items)
            fail(sqlstate::syntax_error, "VALUES lists must all be the same length");
        std::string line;
        for (std::size_t i = 0; i < std::min(list.n_items, columns.size()); ++i) {
            line += i == 0 ? "" : ", ";
            if (list.items[i]->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
                line += defaulted(*columns[i], table);
                continue;
            }
            if (columns[i]->generated)
                fail("428C9", "cannot insert a non-DEFAULT value into column \"{}\"", columns[i]->name);
            line += assigned(expression_at(place::values, list.items[i], scope), *columns[i], table);
        }
        for (const auto* column : omitted) line += (line.empty() ? "" : ", ") + defaulted(*column, table);
        rows += fmt::format("{}({})", row == 0 ? "" : ", ", line);
    }
    // A generated column can't be named at all.
    std::erase_if(columns, [](const TableColumn* column) { return column->generated; });
    return fmt::format(" ({}) VALUES {}", column_list(), rows);
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

std::string Translator::on_conflict(const PgQuery__OnConflictClause& node, const Table& table,
                                    const std::string& alias) {
    std::string sql = " ON CONFLICT";
    if (node.infer != nullptr) {
        std::vector<std::string> names;
        if (node.infer->conname != nullptr && *node.infer->conname != '\0') {
            if (node.infer->conname != table.name + "_pkey") {
                refuse("ON CONFLICT ON CONSTRAINT other than the primary key's");
                return {};
            }
            names = table.primary_key;
        }
        for (std::size_t i = 0; i < node.infer->n_index_elems; ++i) {
            const auto& element = *node.infer->index_elems[i]->index_elem;
            if (element.name == nullptr || *element.name == '\0') {
                refuse("an expression as target of ON CONFLICT");
                return {};
            }
            if (column_of(table, element.name) == nullptr)
                fail(sqlstate::undefined_column, "column \"{}\" does not exist", element.name);
            names.emplace_back(element.name);
        }
        std::string list;
        for (const auto& name : names) list += (list.empty() ? "" : ", ") + quoted(name);
        sql += fmt::format(" ({})", list);
        if (node.infer->where_clause != nullptr) refuse("WHERE in the target of ON CONFLICT");
    }
    if (node.action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING) return sql + " DO NOTHING";
    if (node.infer == nullptr) {
        fail(sqlstate::syntax_error,
             "ON CONFLICT DO UPDATE requires inference specification or constraint name");
        return {};
    }
    Scope scope;
    Range target;
    target.alias = alias;
    Range excluded;
    excluded.alias = "excluded";
    for (const auto& column : table.columns) {
        target.columns.push_back({column.name, column.type, quoted(alias) + "." + quoted(column.name)});
        RangeColumn theirs{column.name, column.type, "excluded." + quoted(column.name)};
        theirs.merged = true;  // an unqualified name is the table's
        excluded.columns.push_back(theirs);
    }
    scope.ranges = {target, excluded};
    const Restored<const Table*> unread(unread_, &table);
    sql += " DO UPDATE SET " + assignments(node.target_list, node.n_target_list, table, scope);
    if (node.where_clause != nullptr)
        sql += " WHERE " + condition_at(place::where, node.where_clause, scope, "WHERE").sql;
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
