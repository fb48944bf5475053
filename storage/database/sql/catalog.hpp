// SPDX-License-Identifier: Apache-2.0
// What a translation knows of the schema.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/database/core/types.hpp"

namespace understudy::database {

struct TableColumn {
    std::string name;
    Type type;
    bool not_null = false;
    std::string default_sql;  // for SQLite; empty: NULL
    bool row_number = false;  // SQLite's INTEGER PRIMARY KEY: a NULL would become the next number
    bool serial = false;      // and that is wanted
    bool generated = false;   // from the row's other columns
};

struct Table {
    enum class Kind { table, view, sequence };
    Kind kind = Kind::table;
    std::string name;
    std::string sql;  // what stands for it in FROM: its quoted name, or a SELECT in parentheses
    std::vector<TableColumn> columns;
    std::vector<std::string> primary_key;
    std::vector<std::pair<std::string, std::string>> owned;  // sequences, and the columns that own them
    bool writable = true;
    bool always_empty = false;  // a system catalog of what this service hasn't
};

class Catalog {
  public:
    virtual ~Catalog() = default;
    // By the name as folded by the parser; schema is empty, public or pg_catalog, information_schema. Null:
    // none. The pointer holds until the schema changes.
    virtual const Table* find(std::string_view schema, std::string_view name) const = 0;
    // Whether a column's default takes the sequence's next value, in a table other than these.
    virtual bool is_default(const std::string&, const std::vector<std::string>&) const { return false; }
    // The table whose constraint this index is; empty: of none.
    virtual std::string constrained_by(const std::string&) const { return {}; }
    virtual bool has_index(const std::string&) const { return false; }
    // Names of the views that read a relation.
    virtual std::vector<std::string> views_on(const std::string&) const { return {}; }
};

}  // namespace understudy::database
