// SPDX-License-Identifier: Apache-2.0
// INSERT with ON CONFLICT: PostgreSQL manual, SQL commands.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

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

}  // namespace understudy::database
