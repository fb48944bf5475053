// SPDX-License-Identifier: Apache-2.0
#include "storage/database/schema_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/database/core/value_forms.hpp"
#include "storage/database/sql/parse_tree.hpp"
#include "storage/database/sql/view_columns.hpp"

namespace understudy::database {
namespace {

std::string schema_text(const SqliteStatement& statement, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), column));
    return text == nullptr ? std::string() : text;
}

SqliteStatement query(sqlite3* connection, const char* sql, const std::string& argument) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr);
    if (statement != nullptr)
        sqlite3_bind_text(statement, 1, argument.data(), static_cast<int>(argument.size()), SQLITE_TRANSIENT);
    return SqliteStatement(statement);
}

bool step(const SqliteStatement& statement) {
    return statement && sqlite3_step(statement.get()) == SQLITE_ROW;
}

}  // namespace

const Table* SchemaReader::find(std::string_view schema, std::string_view name) const {
    const bool system = schema == "pg_catalog" || schema == "information_schema";
    if (system || (schema.empty() && name.starts_with("pg_")))
        if (const Table* found = find_system_table(schema, name); found != nullptr || system) return found;
    if (!schema.empty() && schema != "public" && schema != "pg_temp") return nullptr;
    if (name.starts_with("sqlite_")) return nullptr;
    auto found = tables_.find(name);
    if (found == tables_.end()) found = tables_.emplace(std::string(name), read(std::string(name))).first;
    return found->second.get();
}

std::vector<std::string> SchemaReader::views_on(const std::string& name) const {
    std::vector<std::string> views;
    const auto all = query(connection_,
                           "SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND name <> ?1 UNION ALL "
                           "SELECT name, sql FROM sqlite_temp_schema WHERE type = 'view' AND name <> ?1",
                           name);
    while (step(all))
        if (reads_relation(schema_text(all, 1), name)) views.push_back(schema_text(all, 0));
    return views;
}

bool SchemaReader::is_default(const std::string& sequence, const std::vector<std::string>& except) const {
    const auto tables = query(connection_,
                              "SELECT name FROM sqlite_schema WHERE type = 'table' AND instr(sql, ?1) > 0 "
                              "UNION ALL SELECT name FROM "
                              "sqlite_temp_schema WHERE type = 'table' AND instr(sql, ?1) > 0",
                              fmt::format("understudy_nextval({}, ", sql_literal(Stored(sequence))));
    while (step(tables))
        if (std::find(except.begin(), except.end(), schema_text(tables, 0)) == except.end()) return true;
    return false;
}

std::string SchemaReader::constrained_by(const std::string& index) const {
    const auto table = query(connection_,
                             "SELECT tbl_name FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM "
                             "sqlite_temp_schema) WHERE type = 'index' AND name = ?1 AND (sql LIKE "
                             "'%/*primary key*/' OR sql LIKE '%/*unique*/')",
                             index);
    return step(table) ? schema_text(table, 0) : std::string();
}

bool SchemaReader::has_index(const std::string& name) const {
    return step(
        query(connection_,
              "SELECT 1 FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema) "
              "WHERE type = 'index' AND name = ?1",
              name));
}

bool SchemaReader::refresh() {
    if (!version_query_) version_query_ = query(connection_, "PRAGMA schema_version", {});
    const std::int64_t version = step(version_query_) ? sqlite3_column_int64(version_query_.get(), 0) : -1;
    sqlite3_reset(version_query_.get());
    if (version == version_) return false;
    version_ = version;
    tables_.clear();
    return true;
}

std::unique_ptr<Table> SchemaReader::read(const std::string& name) const {
    auto table = std::make_unique<Table>();
    table->name = name;
    table->sql = database::quoted(name);
    std::string definition;
    if (const auto text =
            query(connection_,
                  "SELECT sql, type FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'view') "
                  "UNION ALL SELECT sql, type FROM sqlite_temp_schema WHERE name = ?1 AND type IN "
                  "('table', 'view')",
                  name);
        step(text))
        definition = schema_text(text, 0),
        table->kind = schema_text(text, 1) == "view" ? Table::Kind::view : Table::Kind::table;
    else
        return nullptr;
    if (table->kind == Table::Kind::view) {
        for (auto& column : read_view_remark(definition)) {
            TableColumn made;
            made.name = std::move(column.name);
            made.type = column.type;
            table->columns.push_back(std::move(made));
        }
        return table;
    }
    const auto columns =
        query(connection_,
              "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)", name);
    std::vector<std::pair<int, std::string>> key;
    while (step(columns)) {
        TableColumn column;
        column.name = schema_text(columns, 0);
        column.type = type_from_declared(schema_text(columns, 1));
        column.not_null = sqlite3_column_int(columns.get(), 2) != 0;
        if (const std::string value = schema_text(columns, 3); !value.empty())
            column.default_sql = "(" + value + ")";
        column.generated = sqlite3_column_int(columns.get(), 5) != 0;
        if (const int place = sqlite3_column_int(columns.get(), 4); place > 0)
            key.emplace_back(place, column.name);
        // The remark that a definition leaves beside SQLite's row number (sql/define.cpp).
        const std::string mark = database::quoted(column.name) + " INTEGER /*";
        if (const auto at = definition.find(mark); at != std::string::npos) {
            const std::string remark =
                definition.substr(at + mark.size(), definition.find("*/", at) - at - mark.size());
            column.row_number = column.not_null = true;
            column.serial = remark.ends_with(" serial");
            column.type.type = remark.starts_with("bigint")     ? SqlType::int8
                               : remark.starts_with("smallint") ? SqlType::int2
                                                                : SqlType::int4;
        }
        table->columns.push_back(std::move(column));
    }
    // Its rules aren't PostgreSQL's columns of a sequence.
    if (definition.find(database::quoted(name) + " (last_value BIGINT /*sequence*/") != std::string::npos) {
        table->kind = Table::Kind::sequence;
        table->columns.resize(std::min<std::size_t>(3, table->columns.size()));
    }
    // The mark that sql/owned_sequences.cpp leaves on an owner.
    const auto owned =
        query(connection_,
              "SELECT substr(g.name, 10), c.name FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM "
              "sqlite_temp_schema) AS g, pragma_table_info(g.tbl_name) AS c WHERE g.type = 'trigger' AND "
              "g.tbl_name = ?1 AND g.name LIKE 'owner of %' AND instr(g.sql, printf('CREATE TRIGGER \"%w\" "
              "AFTER UPDATE OF \"%w\" ON ', g.name, c.name)) = 1",
              name);
    while (step(owned)) table->owned.emplace_back(schema_text(owned, 0), schema_text(owned, 1));
    std::sort(key.begin(), key.end());
    for (auto& [place, column] : key) table->primary_key.push_back(std::move(column));
    if (table->primary_key.empty()) {
        const auto index =
            query(connection_,
                  "SELECT c.name FROM sqlite_schema AS s, pragma_index_info(s.name) AS c WHERE s.type = "
                  "'index' AND s.tbl_name = ?1 AND s.sql LIKE '%/*primary key*/' ORDER BY c.seqno",
                  name);
        while (step(index)) table->primary_key.push_back(schema_text(index, 0));
        for (auto& column : table->columns)
            column.not_null = column.not_null ||
                              std::find(table->primary_key.begin(), table->primary_key.end(), column.name) !=
                                  table->primary_key.end();
    }
    return table;
}

}  // namespace understudy::database
