// SPDX-License-Identifier: Apache-2.0
// CREATE TABLE AS: PostgreSQL manual, SQL commands.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {

Statement Translator::create_table_as(const PgQuery__CreateTableAsStmt& node) {
    Statement result;
    result.kind = StatementKind::insert;
    result.tag = "SELECT";
    result.counts_rows = true;
    if (node.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE || node.query == nullptr ||
        node.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        refuse("CREATE MATERIALIZED VIEW");
        return result;
    }
    const auto& relation = *node.into->rel;
    const std::string name = relation.relname;
    const Relation rows =
        select(*node.query->select_stmt, nullptr, names_of(node.into->col_names, node.into->n_col_names));
    if (node.if_not_exists && catalog_.find({}, name) != nullptr) {
        result.kind = StatementKind::nothing;
        result.tag = "CREATE TABLE AS";
        result.counts_rows = false;
        result.notices.push_back({"42P07", fmt::format("relation \"{}\" already exists, skipping", name)});
        return result;
    }
    if (rows.columns.empty()) refuse("a table without columns");
    std::string columns;
    for (const auto& column : rows.columns) {
        columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", quoted(column.name),
                               declared_type(column.type));
        if (const auto collation = collation_of(column.type.type); !collation.empty())
            columns += fmt::format(" COLLATE {}", collation);
    }
    result.before.push_back(fmt::format(
        "CREATE {}TABLE {} ({})", *relation.relpersistence == 't' ? "TEMP " : "", quoted(name), columns));
    if (node.into->skip_data) {
        result.tag = "CREATE TABLE AS";
        result.counts_rows = false;
    }
    result.sql = node.into->skip_data
                     ? fmt::format("INSERT INTO {} SELECT * FROM ({}) LIMIT 0", quoted(name), rows.sql)
                     : fmt::format("INSERT INTO {} {}", quoted(name), rows.sql);
    return result;
}

}  // namespace understudy::database
