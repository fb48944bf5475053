// SPDX-License-Identifier: Apache-2.0
// DISTINCT ON: of the rows that are equal in some expressions, the first by ORDER BY (PostgreSQL manual, SQL
// command SELECT). For SQLite: the rows are numbered within their equals, and the first of each are taken.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {

std::string Translator::distinct_on(const PgQuery__SelectStmt& node, Scope& scope,
                                    const std::vector<Target>& targets, const Relation& relation,
                                    const std::string& list, const std::string& tail) {
    std::vector<std::string> equals;
    std::string partition;
    for (std::size_t i = 0; i < node.n_distinct_clause; ++i) {
        const Expression key = sort_key(*node.distinct_clause[i], scope, targets, "DISTINCT ON");
        if (key.sql.find(") OVER (") != std::string::npos) refuse("a window function in DISTINCT ON");
        equals.push_back(key.sql);
        partition += (i == 0 ? "PARTITION BY " : ", ") + with_collation("(" + key.sql + ")", key.type.type);
    }
    // ORDER BY has to begin with them, in any order, or it wouldn't say which row is the first.
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < node.n_sort_clause; ++i) {
        const std::string key = sort_key(*node.sort_clause[i]->sort_by->node, scope, targets, "ORDER BY").sql;
        const bool is_equal = std::find(equals.begin(), equals.end(), key) != equals.end();
        if (is_equal && std::find(seen.begin(), seen.end(), key) == seen.end()) seen.push_back(key);
        const bool all_seen = std::all_of(equals.begin(), equals.end(), [&](const std::string& wanted) {
            return std::find(seen.begin(), seen.end(), wanted) != seen.end();
        });
        if (!is_equal && !all_seen)
            fail("42P10", "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
    }
    const std::string sorting = order(node.sort_clause, node.n_sort_clause, scope, targets, false);
    std::string columns;
    for (const auto& alias : relation.aliases) columns += (columns.empty() ? "" : ", ") + quoted(alias);
    return fmt::format(
        "SELECT {} FROM (SELECT {}, row_number() OVER ({}{}) AS \"?first?\", row_number() OVER ({}) AS "
        "\"?place?\"{}) WHERE \"?first?\" = 1{}{}",
        columns.empty() ? "NULL" : columns, list, partition, sorting, sorting, tail,
        sorting.empty() ? "" : " ORDER BY \"?place?\"", limit(node, scope));
}

}  // namespace understudy::database
