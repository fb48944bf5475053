// SPDX-License-Identifier: Apache-2.0
// The names that an expression may use, and what stands for them in SQLite's SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/types.hpp"

namespace understudy::database {

struct RangeColumn {
    std::string name;
    Type type;
    std::string sql;
    bool merged = false;  // by USING: an unqualified name means the joined column
};

// What FROM names: a table, a sub-select, a common table expression.
struct Range {
    std::string alias;
    std::vector<RangeColumn> columns;
    std::vector<std::string> primary_key;
    bool always_empty = false;
};

struct Scope {
    const Scope* outer = nullptr;
    std::vector<Range> ranges;
    std::vector<RangeColumn> merged;  // what USING and NATURAL joined

    // Where rows are grouped, a column counts only by itself inside an aggregate or as one of these.
    bool grouped = false;
    std::vector<std::string> group_keys;  // SQL
    int aggregate_depth = 0;

    // How many queries are around it.
    int level() const { return outer == nullptr ? 0 : outer->level() + 1; }
};

struct FoundColumn {
    const RangeColumn* column = nullptr;
    const Range* range = nullptr;  // null for a joined column
    const Scope* scope = nullptr;
};

// range is empty for an unqualified name. 42703, 42P01 or 42702 where it isn't found or means several.
SqlResult<FoundColumn> find_column(const Scope& scope, std::string_view range, std::string_view column);

// Whether SQLite would take it for a column of a query between: names of its ranges differ in more than case.
bool is_hidden(const FoundColumn& found, const Scope& from);

// Whether the column may stand outside of an aggregate.
bool is_grouped(const FoundColumn& found);

}  // namespace understudy::database
