// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "storage/database/core/moments.hpp"
#include "storage/database/core/numeric.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

int compare_numbers(void*, int left_size, const void* left, int right_size, const void* right) {
    return compare_numeric_texts({static_cast<const char*>(left), static_cast<std::size_t>(left_size)},
                                 {static_cast<const char*>(right), static_cast<std::size_t>(right_size)});
}
int compare_intervals(void*, int left_size, const void* left, int right_size, const void* right) {
    const auto a = read_interval({static_cast<const char*>(left), static_cast<std::size_t>(left_size)});
    const auto b = read_interval({static_cast<const char*>(right), static_cast<std::size_t>(right_size)});
    if (!a || !b) return a.has_value() - b.has_value();
    const long double first = interval_order_us(*a), second = interval_order_us(*b);
    return first < second ? -1 : first > second ? 1 : 0;
}

// The translation asks for no others; a defect in it must not reach what could harm.
int authorize(void*, int action, const char* subject, const char* name, const char*, const char*) {
    constexpr std::array<std::string_view, 37> allowed = {
        "count",  "sum",    "avg",    "min",     "max",         "coalesce",     "lower",        "upper",
        "length", "abs",    "nullif", "replace", "substr",      "row_number",   "rank",         "dense_rank",
        "ntile",  "lag",    "lead",   "like",    "first_value", "last_value",   "trim",         "ltrim",
        "rtrim",  "instr",  "char",   "quote",   "printf",      "group_concat", "percent_rank", "cume_dist",
        "format", "typeof", "iif",    "total",   "glob"};  // SQLite itself, in ADD COLUMN with a check
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
    if (action == SQLITE_PRAGMA) {
        // Those behind the catalogs, which read.
        constexpr std::array<std::string_view, 8> reading = {
            "table_info",       "table_xinfo",    "index_list",  "index_info",
            "foreign_key_list", "schema_version", "index_xinfo", "quick_check"};
        return std::find(reading.begin(), reading.end(), std::string_view(subject)) != reading.end()
                   ? SQLITE_OK
                   : SQLITE_DENY;
    }
    if (action != SQLITE_FUNCTION) return SQLITE_OK;
    const std::string_view function = name == nullptr ? "" : name;
    const bool known = std::find(allowed.begin(), allowed.end(), function) != allowed.end();
    return known || function.starts_with("understudy_") || function.starts_with("sqlite_rename_") ||
                   function.starts_with("sqlite_drop_") || function == "sqlite_fail"
               ? SQLITE_OK
               : SQLITE_DENY;
}

}  // namespace

void register_functions(sqlite3* connection, FunctionContext& context) {
    Registry registry(connection, context);
    add_number_functions(registry);
    add_numeric_functions(registry);
    add_text_functions(registry);
    add_text_forms(registry);
    add_moment_functions(registry);
    add_value_functions(registry);
    add_session_functions(registry);
    add_aggregates(registry);
    add_ordered_aggregates(registry);
    add_array_functions(registry);
    add_array_elements(registry);
    add_sequence_functions(registry);
    sqlite3_create_collation_v2(connection, "understudy_numeric", SQLITE_UTF8, nullptr, compare_numbers,
                                nullptr);
    sqlite3_create_collation_v2(connection, "understudy_interval", SQLITE_UTF8, nullptr, compare_intervals,
                                nullptr);
    sqlite3_set_authorizer(connection, authorize, nullptr);
}

}  // namespace understudy::database
