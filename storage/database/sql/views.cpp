// SPDX-License-Identifier: Apache-2.0
// CREATE VIEW: PostgreSQL manual, SQL commands.
#include <algorithm>
#include <charconv>

#include "storage/database/core/bytes.hpp"
#include "storage/database/sql/translator.hpp"
#include "storage/database/sql/view_columns.hpp"

namespace understudy::database {
namespace {

constexpr std::string_view mark = "/*view";

}  // namespace

// Names in hexadecimal: they may be anything, even the end of a remark.
std::string view_remark(const std::vector<ResultColumn>& columns) {
    std::string remark(mark);
    for (const auto& column : columns) {
        remark += fmt::format(" {}:{}:", static_cast<std::uint32_t>(column.type.type), column.type.typmod);
        for (const char c : column.name) remark += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return remark + "*/";
}

std::vector<ResultColumn> read_view_remark(std::string_view definition) {
    std::vector<ResultColumn> columns;
    // A name may have it too.
    std::size_t at = 0;
    bool in_name = false;
    while (at < definition.size() && (in_name || !definition.substr(at).starts_with(mark)))
        if (definition[at++] == '"') in_name = !in_name;
    if (at >= definition.size()) return columns;
    definition = definition.substr(at + mark.size());
    definition = definition.substr(0, definition.find("*/"));
    while (definition.starts_with(' ')) {
        definition.remove_prefix(1);
        const std::string_view item = definition.substr(0, definition.find(' '));
        definition.remove_prefix(item.size());
        ResultColumn column;
        std::uint32_t oid = 0;
        const char* end = item.data() + item.size();
        const auto number = std::from_chars(item.data(), end, oid);
        column.type.type = static_cast<SqlType>(oid);
        if (number.ptr == end) break;
        const auto modifier = std::from_chars(number.ptr + 1, end, column.type.typmod);
        for (const char* c = modifier.ptr + 1; c + 1 < end; c += 2)
            column.name += static_cast<char>(hex_digit(c[0]) * 16 + hex_digit(c[1]));
        columns.push_back(std::move(column));
    }
    return columns;
}

bool reads_relation(std::string_view definition, std::string_view relation) {
    for (const char* before : {"FROM ", "JOIN ", "JOIN (", "FROM (", ", "})
        if (definition.find(before + quoted(relation) + " AS ") != std::string_view::npos) return true;
    return false;
}

Statement Translator::create_view(const PgQuery__ViewStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "CREATE VIEW";
    if (node.query == nullptr || node.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        refuse("a view of other than a SELECT");
        return result;
    }
    if (node.with_check_option > PG_QUERY__VIEW_CHECK_OPTION__NO_CHECK_OPTION) refuse("WITH CHECK OPTION");
    if (node.n_options > 0) refuse("options of a view");
    const std::string name = node.view->relname;
    const std::string schema = node.view->schemaname == nullptr ? "" : node.view->schemaname;
    if (!schema.empty() && schema != "public" && schema != "pg_temp")
        fail("3F000", "schema \"{}\" does not exist", schema);
    Relation rows = select(*node.query->select_stmt, nullptr);
    const auto names = names_of(node.aliases, node.n_aliases);
    if (names.size() > rows.columns.size())
        fail(sqlstate::syntax_error, "CREATE VIEW specifies more column names than columns");
    for (std::size_t i = 0; i < std::min(names.size(), rows.columns.size()); ++i)
        rows.columns[i].name = names[i];
    if (locks_rows_) refuse("FOR UPDATE or nextval() in a view");
    if (!parameters_.empty()) fail("42P02", "there is no parameter $1");
    for (std::size_t i = 0; i < rows.columns.size(); ++i)
        for (std::size_t other = 0; other < i; ++other)
            if (rows.columns[i].name == rows.columns[other].name)
                fail("42701", "column \"{}\" specified more than once", rows.columns[i].name);
    if (rows.columns.empty()) refuse("a view without columns");
    if (node.replace)
        if (const Table* old = catalog_.find(schema, name)) {
            if (old->kind != Table::Kind::view) fail("42809", "\"{}\" is not a view", name);
            if (rows.columns.size() < old->columns.size()) fail("42P16", "cannot drop columns from view");
            for (std::size_t i = 0; i < std::min(old->columns.size(), rows.columns.size()); ++i) {
                const auto& before = old->columns[i];
                const auto& after = rows.columns[i];
                if (before.name != after.name)
                    fail("42P16", "cannot change name of view column \"{}\" to \"{}\"", before.name,
                         after.name);
                if (before.type != after.type)
                    fail("42P16", "cannot change data type of view column \"{}\" from {} to {}", before.name,
                         type_name(before.type), type_name(after.type));
            }
            result.before.push_back("DROP VIEW " + quoted(name));
        }
    std::string columns;
    for (const auto& column : rows.columns) columns += (columns.empty() ? "" : ", ") + quoted(column.name);
    const bool temporary = *node.view->relpersistence == 't' || schema == "pg_temp";
    result.sql = fmt::format("CREATE {}VIEW {} ({}) AS {} {}", temporary ? "TEMP " : "", quoted(name),
                             columns, view_remark(rows.columns), rows.sql);
    return result;
}

}  // namespace understudy::database
