// SPDX-License-Identifier: Apache-2.0
// What a statement may ask of its session and of the schema: PostgreSQL manual chapters 9.26 and 9.9.5.
#include <openssl/rand.h>

#include <thread>

#include "storage/database/core/moments.hpp"
#include "storage/database/functions/call.hpp"
#include "storage/database/sql/view_columns.hpp"

namespace understudy::database {
namespace {

void now(Call& call) {
    call.give(std::string_view(stored_timestamp(call.context().now_unix_us, true)));
}
void statement_now(Call& call) {
    call.give(std::string_view(stored_timestamp(call.context().statement_unix_us, true)));
}
void clock(Call& call) {
    call.give(std::string_view(stored_timestamp(call.context().clock(), true)));
}
void current_user(Call& call) {
    call.give(std::string_view(call.context().user));
}
void current_database(Call& call) {
    call.give(std::string_view(call.context().database));
}
void backend_pid(Call& call) {
    call.give(std::int64_t{call.context().process_id});
}
void version(Call& call) {
    call.give(std::string_view(fmt::format("PostgreSQL 15.0 (understudy, SQLite {})", sqlite3_libversion())));
}

void setting(Call& call) {
    const auto& settings = *call.context().settings;
    const auto found = settings.find(std::string(call.text(0)));
    if (found != settings.end()) return call.give(std::string_view(found->second));
    if (call.integer(1) == 0)
        call.fail(sqlstate::undefined_object,
                  fmt::format("unrecognized configuration parameter \"{}\"", call.text(0)));
}

// Ends early when the statement is canceled.
void sleep(Call& call) {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(std::min(call.real(0), 86'400.0));
    while (std::chrono::steady_clock::now() < until) {
        if (call.context().interrupted())
            return call.fail(sqlstate::query_canceled, "canceling statement due to user request");
        std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(
            until - std::chrono::steady_clock::now(), std::chrono::milliseconds(20)));
    }
    call.give(std::string_view());
}

void notify(Call& call) {
    const auto text = [&](int index) { return call.null(index) ? std::string_view() : call.text(index); };
    if (const auto error = call.context().notify(text(0), text(1))) return call.fail(*error);
    call.give(std::string_view());
}

void uuid(Call& call) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return call.fail(sqlstate::internal_error, "no random bytes here");
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // RFC 9562: version 4
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    call.give(input_binary({SqlType::uuid, -1}, {reinterpret_cast<const char*>(bytes), sizeof bytes}));
}

void format_type(Call& call) {
    if (call.null(0)) return;
    const auto type = type_from_oid(static_cast<std::uint32_t>(call.integer(0)));
    if (!type || *type == SqlType::unknown) return call.give(std::string_view("???"));
    call.give(std::string_view(
        type_name(Type{*type, call.null(1) ? -1 : static_cast<std::int32_t>(call.integer(1))})));
}
// declared type, definition, name
std::optional<ResultColumn> view_column(Call& call) {
    for (auto& column : read_view_remark(call.text(1)))
        if (column.name == call.text(2)) return column;
    return std::nullopt;
}
// A column's type by what SQLite's schema has of it: declared type, the table's definition, the column's
// name.
void declared_oid(Call& call) {
    Type type = type_from_declared(call.null(0) ? std::string_view() : call.text(0));
    const std::string mark = fmt::format("\"{}\" INTEGER /*", call.text(2));
    if (const auto at = call.text(1).find(mark); at != std::string_view::npos) {
        const std::string_view remark = call.text(1).substr(at + mark.size());
        type.type = remark.starts_with("bigint")     ? SqlType::int8
                    : remark.starts_with("smallint") ? SqlType::int2
                                                     : SqlType::int4;
    }
    if (const auto column = view_column(call)) type = column->type;
    call.give(static_cast<std::int64_t>(type.type));
}
void declared_typmod(Call& call) {
    if (const auto column = view_column(call)) return call.give(std::int64_t{column->type.typmod});
    call.give(std::int64_t{type_from_declared(call.null(0) ? std::string_view() : call.text(0)).typmod});
}
void type_by_name(Call& call) {
    const auto type = type_from_name(call.text(0));
    if (!type)
        return call.fail(sqlstate::undefined_object, fmt::format("type \"{}\" does not exist", call.text(0)));
    call.give(static_cast<std::int64_t>(*type));
}
void type_name_of(Call& call) {
    const auto type = type_from_oid(static_cast<std::uint32_t>(call.integer(0)));
    call.give(std::string_view(type ? type_name(*type) : fmt::format("{}", call.integer(0))));
}
void oid_name(Call& call) {
    call.give(std::string_view(std::to_string(call.integer(0))));
}

// From the schema, by one value that goes into the query.
void look_up(Call& call, const char* sql, const Stored& key, const std::function<void()>& missing) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(call.connection(), sql, -1, &statement, nullptr) != SQLITE_OK)
        return call.fail(sqlstate::internal_error, sqlite3_errmsg(call.connection()));
    if (const auto* number = std::get_if<std::int64_t>(&key)) sqlite3_bind_int64(statement, 1, *number);
    if (const auto* text = std::get_if<std::string>(&key))
        sqlite3_bind_text(statement, 1, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
    if (sqlite3_step(statement) != SQLITE_ROW)
        missing();
    else if (sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        call.give(static_cast<std::int64_t>(sqlite3_column_int64(statement, 0)));
    else if (const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
             text != nullptr)
        call.give(std::string_view(text));
    sqlite3_finalize(statement);
}

// Relations have the OID 16384 + their row in SQLite's schema.
void relation_by_name(Call& call) {
    std::string name(call.text(0));
    if (name.find_first_not_of("0123456789") == std::string::npos && !name.empty())
        return call.give(static_cast<std::int64_t>(std::stoll(name.substr(0, 18))));
    if (const auto point = name.rfind('.'); point != std::string::npos) name.erase(0, point + 1);
    if (name.size() > 1 && name.front() == '"') name = name.substr(1, name.size() - 2);
    if (name == "pg_class") return call.give(std::int64_t{1259});
    look_up(call, "SELECT rowid + 16384 FROM sqlite_schema WHERE name = ?1", Stored(name), [&] {
        call.fail(sqlstate::undefined_table, fmt::format("relation \"{}\" does not exist", call.text(0)));
    });
}
void relation_name(Call& call) {
    look_up(call, "SELECT name FROM sqlite_schema WHERE rowid = ?1 - 16384", Stored(call.integer(0)),
            [&] { call.give(std::string_view(std::to_string(call.integer(0)))); });
}
// An index of the schema, or (above 1000000000, see system_tables.cpp) the one that SQLite's row number
// stands for.
void index_definition(Call& call) {
    look_up(call, R"(
        SELECT 'CREATE ' || CASE l."unique" WHEN 1 THEN 'UNIQUE ' ELSE '' END || 'INDEX ' ||
               CASE WHEN s.sql IS NOT NULL THEN s.name WHEN l.origin = 'pk' THEN s.tbl_name || '_pkey'
                    ELSE s.tbl_name || (SELECT '_' || group_concat(i.name, '_') FROM pragma_index_info(s.name) AS i) ||
                         '_key' END ||
               ' ON public.' || s.tbl_name || ' USING btree (' ||
               (SELECT group_concat(coalesce(i.name, 'expression') || CASE i."desc" WHEN 1 THEN ' DESC' ELSE '' END, ', ')
                FROM pragma_index_xinfo(s.name) AS i WHERE i.key) || ')'
        FROM sqlite_schema AS s, pragma_index_list(s.tbl_name) AS l
        WHERE s.rowid = ?1 - 16384 AND s.type = 'index' AND l.name = s.name
        UNION ALL
        SELECT 'CREATE UNIQUE INDEX ' || s.name || '_pkey ON public.' || s.name || ' USING btree (' ||
               (SELECT c.name FROM pragma_table_info(s.name) AS c WHERE c.pk) || ')'
        FROM sqlite_schema AS s WHERE s.rowid = ?1 - 1000016384)",
            Stored(call.integer(0)), [] {});
}
void constraint_definition(Call& call) {
    look_up(call, R"(
        SELECT CASE WHEN l.origin = 'pk' OR s.sql LIKE '%/*primary key*/' THEN 'PRIMARY KEY (' ELSE 'UNIQUE (' END ||
               (SELECT group_concat(i.name, ', ') FROM pragma_index_info(s.name) AS i) || ')'
        FROM sqlite_schema AS s, pragma_index_list(s.tbl_name) AS l
        WHERE s.rowid = ?1 - 16384 AND s.type = 'index' AND l.name = s.name
        UNION ALL
        SELECT 'PRIMARY KEY (' || (SELECT c.name FROM pragma_table_info(s.name) AS c WHERE c.pk) || ')'
        FROM sqlite_schema AS s WHERE s.rowid = ?1 - 1000016384)",
            Stored(call.integer(0)), [] {});
}

}  // namespace

void add_session_functions(Registry& registry) {
    registry.add_changing("understudy_now", 0, strict<now>);
    registry.add_changing("understudy_statement_now", 0, strict<statement_now>);
    registry.add_changing("understudy_clock", 0, strict<clock>);
    registry.add_changing("understudy_current_user", 0, strict<current_user>);
    registry.add_changing("understudy_current_database", 0, strict<current_database>);
    registry.add_changing("understudy_backend_pid", 0, strict<backend_pid>);
    registry.add_changing("understudy_version", 0, strict<version>);
    registry.add_changing("understudy_setting", 2, strict<setting>);
    registry.add_changing("understudy_sleep", 1, strict<sleep>);
    registry.add_changing("understudy_notify", 2, with_nulls<notify>);
    registry.add_changing("understudy_uuid", 0, strict<uuid>);
    registry.add("understudy_format_type", 2, with_nulls<format_type>);
    registry.add("understudy_declared_oid", 3, with_nulls<declared_oid>);
    registry.add("understudy_declared_typmod", 3, with_nulls<declared_typmod>);
    registry.add("understudy_regtype", 1, strict<type_by_name>);
    registry.add("understudy_regtype_name", 1, strict<type_name_of>);
    registry.add("understudy_oid_name", 1, strict<oid_name>);
    registry.add_changing("understudy_regclass", 1, strict<relation_by_name>);
    registry.add_changing("understudy_regclass_name", 1, strict<relation_name>);
    registry.add_changing("understudy_index_definition", 1, strict<index_definition>);
    registry.add_changing("understudy_constraint_definition", 1, strict<constraint_definition>);
}

}  // namespace understudy::database
