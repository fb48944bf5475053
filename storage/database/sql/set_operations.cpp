// SPDX-License-Identifier: Apache-2.0
// What SELECTs are put together by: VALUES, UNION and its like, WITH. PostgreSQL manual chapters 7.4, 7.7
// and 7.8.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t max_selected_rows = 400;  // SQLite: 500 parts of a compound SELECT

}  // namespace

Relation Translator::values(const PgQuery__SelectStmt& node, Scope* outer,
                            const std::vector<std::string>& names) {
    Scope scope;
    scope.outer = outer;
    std::vector<std::vector<Expression>> rows;
    for (std::size_t row = 0; row < node.n_values_lists; ++row) {
        const auto& list = *node.values_lists[row]->list;
        const Standing here(place_, place::values);
        rows.push_back(expressions(list.items, list.n_items, scope));
        if (rows.back().size() != rows[0].size()) {
            fail(sqlstate::syntax_error, "VALUES lists must all be the same length");
            return {"SELECT NULL", {}, {}};
        }
    }
    Relation result;
    std::string list, named, selected;
    std::vector<Type> types;
    for (std::size_t column = 0; column < rows[0].size(); ++column) {
        std::vector<Expression> values;
        for (const auto& row : rows) values.push_back(row[column]);
        types.push_back(common_type(values, "VALUES"));
        const std::string name = column < names.size() ? names[column] : fmt::format("column{}", column + 1);
        add_column(result, name, types.back());
        named += fmt::format("{}column{} AS {}", column == 0 ? "" : ", ", column + 1,
                             quoted(result.aliases.back()));
    }
    for (auto& row : rows) {
        std::string line;
        selected += selected.empty() ? "SELECT " : " UNION ALL SELECT ";
        for (std::size_t column = 0; column < row.size(); ++column) {
            std::string value = cast(std::move(row[column]), types[column], CastContext::implicit).sql;
            if (has_collation(value)) value = with_collation(value, types[column].type);
            line += (column == 0 ? "" : ", ") + value;
            selected +=
                fmt::format("{}{} AS {}", column == 0 ? "" : ", ", value, quoted(result.aliases[column]));
        }
        list += fmt::format("{}({})", list.empty() ? "" : ", ", line);
    }
    std::vector<Target> columns;
    for (std::size_t i = 0; i < result.columns.size(); ++i)
        columns.push_back({result_column(result, i), result.columns[i].name});
    // VALUES can't use a column of a query around it.
    result.sql = outer != nullptr && rows.size() <= max_selected_rows
                     ? selected
                     : fmt::format("SELECT {} FROM (VALUES {})", named, list);
    const std::string tail =
        order(node.sort_clause, node.n_sort_clause, scope, columns, false) + limit(node, scope);
    if (!tail.empty()) result.sql = fmt::format("SELECT * FROM ({}){}", result.sql, tail);
    result.single_row = rows.size() == 1;
    return result;
}

Relation Translator::compound(const PgQuery__SelectStmt& node, Scope* outer,
                              const std::vector<std::string>& names) {
    const char* word = node.op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? "UNION"
                       : node.op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                                             : "EXCEPT";
    if (node.all && node.op != PG_QUERY__SET_OPERATION__SETOP_UNION) refuse(fmt::format("{} ALL", word));
    const Relation left = select(*node.larg, outer, names, true);
    const Relation right = select(*node.rarg, outer, {}, true);
    if (left.columns.size() != right.columns.size()) {
        fail(sqlstate::syntax_error, "each {} query must have the same number of columns", word);
        return left;
    }
    if (left.columns.empty()) {
        refuse(fmt::format("{} of rows without columns", word));
        return left;
    }
    Relation result;
    std::string left_list, right_list;
    std::vector<Target> columns;
    for (std::size_t i = 0; i < left.columns.size(); ++i) {
        const Expression ours = result_column(left, i), theirs = result_column(right, i);
        const Type type = common_type({ours, theirs}, word);
        add_column(result, left.columns[i].name, type);
        const std::string name = quoted(result.aliases.back());
        left_list +=
            fmt::format("{}{} AS {}", i == 0 ? "" : ", ",
                        with_collation(cast(ours, type, CastContext::implicit).sql, type.type), name);
        right_list += fmt::format("{}{} AS {}", i == 0 ? "" : ", ",
                                  cast(theirs, type, CastContext::implicit).sql, name);
        columns.push_back({result_column(result, i), left.columns[i].name});
    }
    result.sql = fmt::format("SELECT {} FROM ({}) {}{} SELECT {} FROM ({})", left_list, left.sql, word,
                             node.all ? " ALL" : "", right_list, right.sql);
    Scope scope;
    scope.outer = outer;
    const std::string tail =
        order(node.sort_clause, node.n_sort_clause, scope, columns, false) + limit(node, scope);
    if (!tail.empty()) result.sql = fmt::format("SELECT * FROM ({}){}", result.sql, tail);
    if (node.n_locking_clause > 0) refuse(fmt::format("FOR UPDATE with {}", word));
    return result;
}

std::string Translator::with(const PgQuery__WithClause* clause, Scope* outer) {
    if (clause == nullptr) return {};
    std::string sql = clause->recursive ? "WITH RECURSIVE " : "WITH ";
    for (std::size_t i = 0; i < clause->n_ctes; ++i) {
        if (i > 0) sql += ", ";
        // Where it is recursive, a table may name those after it.
        const auto later = static_cast<std::ptrdiff_t>(common_tables_.size());
        for (std::size_t j = i + 1; clause->recursive != 0 && j < clause->n_ctes; ++j)
            common_tables_.push_back(
                {clause->ctes[j]->common_table_expr->ctename,
                 {},
                 {},
                 {},
                 unsupported("a table of WITH RECURSIVE that is named before it is told")});
        const auto end = static_cast<std::ptrdiff_t>(common_tables_.size());
        common_table(*clause->ctes[i]->common_table_expr, clause->recursive != 0, outer, sql);
        common_tables_.erase(common_tables_.begin() + later, common_tables_.begin() + end);
    }
    return sql + " ";
}

void Translator::common_table(const PgQuery__CommonTableExpr& node, bool recursive, Scope* outer,
                              std::string& sql) {
    if (node.ctequery == nullptr || node.ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        refuse("INSERT, UPDATE or DELETE in WITH");
        return;
    }
    if (node.search_clause != nullptr || node.cycle_clause != nullptr) refuse("SEARCH and CYCLE");
    const auto names = names_of(node.aliascolnames, node.n_aliascolnames);
    const auto& query = *node.ctequery->select_stmt;
    CommonTable table{node.ctename, fmt::format("{}:{}", node.ctename, ++common_table_count_), {}, {}};
    const auto refuse_itself = [&](std::string why) {
        if (recursive)
            common_tables_.push_back({node.ctename, {}, {}, {}, SqlError{"42P19", std::move(why)}});
    };
    const auto allow_itself = [&] {
        if (recursive) common_tables_.pop_back();
    };
    Relation body;
    if (recursive && query.op == PG_QUERY__SET_OPERATION__SETOP_UNION && query.larg != nullptr) {
        // The first part says which columns there are; the second may use the table itself.
        refuse_itself(
            fmt::format("recursive reference to query \"{}\" must not appear within its non-recursive term",
                        node.ctename));
        const Relation first = select(*query.larg, outer, names);
        allow_itself();
        table.columns = first.columns;
        table.aliases = first.aliases;
        common_tables_.push_back(table);
        const Relation second = select(*query.rarg, outer);
        if (first.columns.size() != second.columns.size()) {
            fail(sqlstate::syntax_error, "each UNION query must have the same number of columns");
            return;
        }
        std::string list;
        for (std::size_t i = 0; i < second.columns.size(); ++i) {
            const Expression value = result_column(second, i);
            if (value.type.type != first.columns[i].type.type)
                fail("42804",
                     "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                     node.ctename, i + 1, type_name(first.columns[i].type.type), type_name(value.type.type));
            list += (i == 0 ? "" : ", ") + value.sql;
        }
        if (query.n_sort_clause > 0 || query.limit_count != nullptr)
            refuse("ORDER BY or LIMIT in a recursive query");
        // SQLite knows recursion only where the second part names the table in its own FROM.
        body.sql =
            fmt::format("SELECT * FROM ({}) UNION{} {}", first.sql, query.all ? " ALL" : "", second.sql);
    } else {
        refuse_itself(
            fmt::format("recursive query \"{}\" does not have the form non-recursive-term UNION [ALL] "
                        "recursive-term",
                        node.ctename));
        body = select(query, outer, names);
        allow_itself();
        table.columns = body.columns;
        table.aliases = body.aliases;
        common_tables_.push_back(table);
    }
    std::string columns;
    for (const auto& alias : table.aliases) columns += (columns.empty() ? "" : ", ") + quoted(alias);
    sql += fmt::format(
        "{}({}) AS {}({})", quoted(table.sql_name), columns,
        node.ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways ? "MATERIALIZED " : "",
        body.sql);
}

}  // namespace understudy::database
