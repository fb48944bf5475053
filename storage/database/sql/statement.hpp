// SPDX-License-Identifier: Apache-2.0
// One PostgreSQL statement as the engine runs it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/core/types.hpp"

namespace understudy::database {

enum class StatementKind {
    empty,
    select,
    insert,
    update,
    remove,
    definition,
    copy,  // all of these are run by SQLite
    begin,
    commit,
    rollback,
    savepoint,
    release,
    rollback_to,
    set,
    reset,  // all settings, where it has no name
    show,
    deallocate,  // a prepared statement, or all where it has no name
    close,       // a portal, or all
    prepare,     // of these, `inner` is the statement that they are about
    declare,
    explain,
    execute,  // `arguments` are the types of what `sql` selects; unknown: a literal
    fetch,
    listen,    // to the channel `name`
    unlisten,  // all, where it has no name
    notify,    // the channel `name`, with `value`
    nothing,   // is acknowledged and changes nothing here: VACUUM, LOCK TABLE, …
};

struct ResultColumn {
    std::string name;
    Type type;
    bool operator==(const ResultColumn&) const = default;
};

enum class FetchDirection { forward, backward, absolute, relative };

enum class Isolation { read_committed, repeatable_read, serializable };

// COPY's rows: values of the columns, in this order.
struct CopyPlan {
    bool from_client = true;
    bool csv = false;
    bool header = false;
    char delimiter = '\t';
    std::string null_text = "\\N";
    char quote = '"';
    char escape = '"';
    std::vector<ResultColumn> columns;
};

struct Statement {
    StatementKind kind = StatementKind::empty;
    std::vector<std::string> before;  // run before `sql`, for SQLite
    std::string sql;                  // for SQLite; parameters are ?1, ?2, …
    std::string tag;  // of CommandComplete, without its count: "INSERT 0", "SELECT", "CREATE TABLE"
    bool counts_rows = false;
    bool locks_rows = false;  // FOR UPDATE: waits for the right to write
    std::vector<ResultColumn> columns;
    std::vector<SqlType> parameters;
    std::string name;    // of a savepoint, setting, prepared statement or portal
    std::string value;   // of SET
    std::string serial;  // the sequence of the serial column that an INSERT numbers; empty: none
    std::optional<Isolation> isolation;
    bool read_only = false;
    CopyPlan copy;
    std::shared_ptr<const Statement> inner;
    std::vector<SqlType> declared;  // of PREPARE
    std::vector<ResultColumn> arguments;
    bool forward_only = false;  // of DECLARE: NO SCROLL
    bool hold = false;
    bool moves_only = false;  // MOVE
    FetchDirection direction = FetchDirection::forward;
    std::int64_t fetch_count = 1;
    bool analyze = false;
    struct Notice {
        std::string sqlstate, message;
    };
    std::vector<Notice> notices;
};

}  // namespace understudy::database
