// SPDX-License-Identifier: Apache-2.0
// understudy_elements(array, type, null_row): the elements of an array as rows, with their numbers from 1.
// What unnest() and ANY() read. A NULL array has no rows, or one with a NULL where null_row is 1: ANY of it
// is unknown. A table-valued function of SQLite's (sqlite.org/vtab.html, 3.1.2).
#include "storage/database/core/arrays.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

enum Column { value_column, ordinality_column, array_column, type_column, null_row_column };

struct ElementsCursor : sqlite3_vtab_cursor {
    ArrayElements elements;
    std::size_t at = 0;
};

int elements_connect(sqlite3* connection, void*, int, const char* const*, sqlite3_vtab** table, char**) {
    const int code = sqlite3_declare_vtab(
        connection, "CREATE TABLE x(value, ordinality, array HIDDEN, type HIDDEN, null_row HIDDEN)");
    if (code != SQLITE_OK) return code;
    sqlite3_vtab_config(connection, SQLITE_VTAB_INNOCUOUS);
    *table = new sqlite3_vtab{};
    return SQLITE_OK;
}
int elements_disconnect(sqlite3_vtab* table) {
    delete table;
    return SQLITE_OK;
}

// All three arguments, or nothing can be read: another order of the tables may know them.
int elements_index(sqlite3_vtab*, sqlite3_index_info* info) {
    int found = 0;
    for (int i = 0; i < info->nConstraint; ++i) {
        const auto& constraint = info->aConstraint[i];
        if (constraint.iColumn < array_column || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (constraint.usable == 0) return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = constraint.iColumn - array_column + 1;
        info->aConstraintUsage[i].omit = 1;
        found |= 1 << (constraint.iColumn - array_column);
    }
    if (found != 7) return SQLITE_CONSTRAINT;
    info->estimatedCost = 10;
    info->estimatedRows = 10;
    return SQLITE_OK;
}

int elements_open(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
    *cursor = new ElementsCursor{};
    return SQLITE_OK;
}
int elements_close(sqlite3_vtab_cursor* cursor) {
    delete static_cast<ElementsCursor*>(cursor);
    return SQLITE_OK;
}
int elements_filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value** arguments) {
    auto& mine = *static_cast<ElementsCursor*>(cursor);
    mine.at = 0;
    mine.elements.clear();
    if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) {
        if (sqlite3_value_int(arguments[2]) != 0) mine.elements.emplace_back();
        return SQLITE_OK;
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(arguments[0]));
    if (text == nullptr) return SQLITE_NOMEM;
    mine.elements = array_elements(static_cast<SqlType>(sqlite3_value_int64(arguments[1])),
                                   {text, static_cast<std::size_t>(sqlite3_value_bytes(arguments[0]))});
    return SQLITE_OK;
}
int elements_next(sqlite3_vtab_cursor* cursor) {
    ++static_cast<ElementsCursor*>(cursor)->at;
    return SQLITE_OK;
}
int elements_end(sqlite3_vtab_cursor* cursor) {
    const auto& mine = *static_cast<ElementsCursor*>(cursor);
    return mine.at >= mine.elements.size() ? 1 : 0;
}
int elements_column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
    const auto& mine = *static_cast<ElementsCursor*>(cursor);
    Call call(context, 0, nullptr);
    if (index == value_column) call.give(mine.elements[mine.at]);
    if (index == ordinality_column) call.give(static_cast<std::int64_t>(mine.at + 1));
    return SQLITE_OK;
}
int elements_row(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
    *id = static_cast<sqlite3_int64>(static_cast<ElementsCursor*>(cursor)->at);
    return SQLITE_OK;
}

sqlite3_module elements_module() {
    sqlite3_module module{};  // without xCreate: it is there without having been created
    module.xConnect = elements_connect;
    module.xDisconnect = elements_disconnect;
    module.xBestIndex = elements_index;
    module.xOpen = elements_open;
    module.xClose = elements_close;
    module.xFilter = elements_filter;
    module.xNext = elements_next;
    module.xEof = elements_end;
    module.xColumn = elements_column;
    module.xRowid = elements_row;
    return module;
}

}  // namespace

void add_array_elements(Registry& registry) {
    static const sqlite3_module module = elements_module();
    sqlite3_create_module_v2(registry.connection(), "understudy_elements", &module, nullptr, nullptr);
}

}  // namespace understudy::database
