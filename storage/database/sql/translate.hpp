// SPDX-License-Identifier: Apache-2.0
// Translates PostgreSQL's syntax tree to SQLite's SQL, node by node, with the types of all expressions: names
// are resolved, operators and functions chosen and values converted by PostgreSQL's rules (manual chapter
// 10), so that SQLite's own conversions never decide. What isn't known is refused by name (0A000, or 42883
// for a function or operator): there is no wrong answer. The functions called understudy_… that the SQL calls
// are the engine's.
//
// `declared` are parameter types that the client gave; unknown ones get theirs from where they stand.
#pragma once

#include <vector>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/sql/catalog.hpp"
#include "storage/database/sql/parse_tree.hpp"
#include "storage/database/sql/statement.hpp"

namespace understudy::database {

SqlResult<Statement> translate(const PgQuery__Node& statement, const Catalog& catalog,
                               const std::vector<SqlType>& declared = {});

// What PREPARE, DECLARE and EXPLAIN are about; null for other statements.
const PgQuery__Node* inner_statement(const PgQuery__Node& statement);

}  // namespace understudy::database
