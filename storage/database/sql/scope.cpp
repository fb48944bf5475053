// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "storage/database/sql/parse_tree.hpp"

namespace understudy::database {
namespace {

const RangeColumn* column_of(const std::vector<RangeColumn>& columns, std::string_view name, int& count) {
    const RangeColumn* found = nullptr;
    for (const auto& column : columns)
        if (column.name == name) {
            found = &column;
            ++count;
        }
    return found;
}

}  // namespace

SqlResult<FoundColumn> find_column(const Scope& innermost, std::string_view range_name,
                                   std::string_view name) {
    bool range_seen = false;
    for (const Scope* scope = &innermost; scope != nullptr; scope = scope->outer) {
        FoundColumn found;
        int count = 0;
        if (range_name.empty())
            if (const auto* column = column_of(scope->merged, name, count)) found = {column, nullptr, scope};
        for (const auto& range : scope->ranges) {
            if (!range_name.empty() && range.alias != range_name) continue;
            range_seen = true;
            int here = 0;
            const auto* column = column_of(range.columns, name, here);
            if (column == nullptr || (range_name.empty() && column->merged)) continue;
            count += here;
            found = {column, &range, scope};
        }
        if (count > 1)
            return SqlError{sqlstate::ambiguous_column,
                            fmt::format("column reference \"{}\" is ambiguous", name)};
        if (count == 1) return found;
        if (range_seen && !range_name.empty()) break;
    }
    if (range_name.empty())
        return SqlError{sqlstate::undefined_column, fmt::format("column \"{}\" does not exist", name)};
    if (!range_seen)
        return SqlError{sqlstate::undefined_table,
                        fmt::format("missing FROM-clause entry for table \"{}\"", range_name)};
    return SqlError{sqlstate::undefined_column, fmt::format("column {}.{} does not exist", range_name, name)};
}

bool is_hidden(const FoundColumn& found, const Scope& from) {
    const auto end = found.column->sql.rfind("\".");
    if (end == std::string::npos) return false;
    const std::size_t begin = found.column->sql.starts_with('+') ? 1 : 0;
    const std::string range = found.column->sql.substr(begin, end + 1 - begin);
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    for (const Scope* scope = &from; scope != nullptr && scope != found.scope; scope = scope->outer)
        for (const auto& other : scope->ranges)
            if (const std::string name = quoted(other.alias);
                std::equal(name.begin(), name.end(), range.begin(), range.end(), same))
                return true;
    return false;
}

bool is_grouped(const FoundColumn& found) {
    const Scope& scope = *found.scope;
    if (!scope.grouped || scope.aggregate_depth > 0) return true;
    const auto is_key = [&](const std::string& sql) {
        return std::find(scope.group_keys.begin(), scope.group_keys.end(), sql) != scope.group_keys.end();
    };
    if (is_key(found.column->sql)) return true;
    // Grouped by its table's primary key, a row's other columns are given too.
    if (found.range == nullptr || found.range->primary_key.empty()) return false;
    return std::all_of(found.range->primary_key.begin(), found.range->primary_key.end(),
                       [&](const std::string& name) {
                           for (const auto& column : found.range->columns)
                               if (column.name == name) return is_key(column.sql);
                           return false;
                       });
}

}  // namespace understudy::database
