// SPDX-License-Identifier: Apache-2.0
// CREATE INDEX: PostgreSQL manual, SQL commands.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {

Statement Translator::create_index(const PgQuery__IndexStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "CREATE INDEX";
    const Table* on = table(*node.relation, true);
    if (on == nullptr) return result;
    const std::string method = node.access_method == nullptr ? "btree" : node.access_method;
    if (method != "btree" && method != "hash") refuse(fmt::format("index method {}", method));
    if (node.n_index_including_params > 0) refuse("INCLUDE");
    if (node.nulls_not_distinct) refuse("NULLS NOT DISTINCT");
    Scope scope = table_scope(*on, *node.relation, false);
    std::string list, default_name = on->name;
    for (std::size_t i = 0; i < node.n_index_params; ++i) {
        const auto& element = *node.index_params[i]->index_elem;
        const bool plain = element.name != nullptr && *element.name != '\0';
        if (plain && find_column(scope, {}, element.name).has_error())
            fail(sqlstate::undefined_column, "column \"{}\" does not exist", element.name);
        Expression value =
            plain ? Expression() : settled(expression_at(place::index_key, element.expr, scope));
        // The plus changes nothing, but SQLite would take a bare literal for a column's name.
        if (value.sql.starts_with('\'')) value.sql.insert(0, "+");
        list +=
            fmt::format("{}{}{}", i == 0 ? "" : ", ",
                        plain ? quoted(element.name) : with_collation("(" + value.sql + ")", value.type.type),
                        element.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ? " DESC" : "");
        const std::string& called = value.name;
        default_name += "_" + (plain                                    ? std::string(element.name)
                               : called.empty() || called == "?column?" ? std::string("expr")
                                                                        : called);
    }
    const bool named = node.idxname != nullptr && *node.idxname != '\0';
    default_name += "_idx";
    std::string free_name = default_name;
    for (int i = 1; catalog_.has_index(free_name); ++i) free_name = default_name + std::to_string(i);
    result.sql = fmt::format("CREATE {}INDEX {}{} ON {} ({})", node.unique ? "UNIQUE " : "",
                             node.if_not_exists ? "IF NOT EXISTS " : "",
                             quoted(named ? std::string(node.idxname) : free_name), quoted(on->name), list);
    if (node.where_clause != nullptr)
        result.sql += " WHERE " + condition_at(place::index_predicate, node.where_clause, scope, "WHERE").sql;
    return result;
}

}  // namespace understudy::database
