// SPDX-License-Identifier: Apache-2.0
// Statements of any text: parsed, translated over a small schema, and compiled by SQLite; definitions are run
// too. What is refused has a SQLSTATE and a message; what is translated is SQL that SQLite can read.
#include <sqlite3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/database/functions/context.hpp"
#include "storage/database/schema_reader.hpp"
#include "storage/database/sql/translate.hpp"
#include "storage/database/sqlite.hpp"

using namespace understudy::database;

namespace {

struct World {
    World() {
        sqlite3* raw = nullptr;
        sqlite3_open(":memory:", &raw);
        connection.reset(raw);
        sqlite3_extended_result_codes(raw, 1);
        sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
        sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
        register_functions(raw, context);
        for (const char* sql :
             {"create table t (id serial primary key, name varchar(9), n numeric(8,2), at "
              "timestamptz default now(), flag "
              "boolean, j jsonb, i interval)",
              "create table u (t_id int references t (id), b bytea unique, d date, f "
              "float8, check (f > 0))",
              "create table a (ns int[], ts text[] default '{}', us uuid[], ps numeric(5,1)[])",
              "create view v as select id, n * 2 as twice, array[id] as ids from t", "create sequence s"}) {
            SchemaReader schema(raw);
            auto tree = ParseTree::parse(sql);
            auto statement = translate(tree->statement(0), schema);
            if (statement.has_error()) std::abort();
            for (const auto& part : statement->before)
                if (run(raw, part).has_error()) std::abort();
            if (run(raw, statement->sql).has_error()) std::abort();
        }
    }
    FunctionContext context;
    SqliteConnection connection;
};

// Definitions are run, and undone; everything else is compiled.
SqlResult<void> attempt(sqlite3* connection, const Statement& statement) {
    if (run(connection, "SAVEPOINT attempt").has_error()) std::abort();
    SqlResult<void> result;
    for (const auto& part : statement.before)
        if (result.has_value()) result = run(connection, part);
    if (result.has_value() && statement.kind == StatementKind::definition) {
        result = run(connection, statement.sql);
    } else if (result.has_value()) {
        if (const auto compiled = compile(connection, statement.sql); compiled.has_error())
            result = compiled.error();
    }
    for (const char* undo : {"ROLLBACK TO attempt", "RELEASE attempt"})
        if (run(connection, undo).has_error()) std::abort();
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static World world;
    const std::string sql(reinterpret_cast<const char*>(data), size);
    auto tree = ParseTree::parse(sql);
    if (tree.has_error()) {
        if (tree.error().sqlstate.size() != 5 || tree.error().message.empty()) std::abort();
        return 0;
    }
    SchemaReader schema(world.connection.get());
    schema.refresh();
    for (std::size_t i = 0; i < tree->size(); ++i) {
        const auto statement = translate(tree->statement(i), schema);
        if (statement.has_error()) {
            if (statement.error().sqlstate.size() != 5 || statement.error().message.empty()) std::abort();
            continue;
        }
        const Statement& made = statement->inner ? *statement->inner : *statement;
        if (made.sql.empty()) continue;
        const auto tried = attempt(world.connection.get(), made);
        if (tried.has_error() && tried.error().sqlstate == sqlstate::internal_error) {
            std::fprintf(stderr, "%s\n-> %s\n%s\n", sql.c_str(), made.sql.c_str(),
                         tried.error().message.c_str());
            std::abort();
        }
    }
    return 0;
}
