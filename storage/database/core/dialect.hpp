// SPDX-License-Identifier: Apache-2.0
// Turns one PostgreSQL statement into SQLite's SQL, by its tokens. It covers what this service's applications
// need: $n, ::casts and CAST, now() and CURRENT_TIMESTAMP, EXTRACT(EPOCH FROM …), FOR UPDATE, the types of
// CREATE TABLE, SET and SHOW, the order of NULLs. What it knows SQLite would answer otherwise than PostgreSQL
// is refused by name (0A000); what neither knows SQLite refuses. A parser that knows types is to take this
// file's place. The functions called understudy_… that the SQL calls are registered by the engine.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/tokens.hpp"
#include "storage/database/core/types.hpp"

namespace understudy::database {

enum class StatementKind {
    select,
    insert,
    update,
    remove,
    definition,  // run by SQLite
    begin,
    commit,
    rollback,
    savepoint,
    release,
    rollback_to,
    set,
    show  // run by the session
};

// What the text says of a result column: nothing for a plain column, whose declared type is asked of SQLite.
struct ColumnHint {
    std::optional<SqlType> type;
    std::string name;   // empty: SQLite's
    bool star = false;  // stands for any number of columns
};

struct Statement {
    StatementKind kind = StatementKind::select;
    std::string sql;
    std::string tag;  // of CommandComplete, without its count: "INSERT 0", "SELECT", "CREATE TABLE"
    bool counts_rows = false;
    bool read_only = false;  // BEGIN READ ONLY
    std::vector<ColumnHint> columns;
    std::vector<SqlType> parameters;  // as far as casts say; unknown otherwise
    std::string name;                 // of a savepoint, or of SET and SHOW
    std::string value;                // of SET
};

SqlResult<Statement> translate(const std::vector<Token>& tokens);

}  // namespace understudy::database
