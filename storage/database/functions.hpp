// SPDX-License-Identifier: Apache-2.0
// The SQL functions that translated statements call (core/dialect.hpp), and the list of SQLite's own that
// clients may use: those that answer as PostgreSQL's of that name do.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

namespace understudy::database {

// What functions say about their session. Outlives the connection it is registered with.
struct FunctionContext {
    std::int64_t now_unix_us = 0;  // fixed within a transaction
    std::string user;
    std::string database;
    std::int32_t process_id = 0;
};

void register_functions(sqlite3* connection, FunctionContext& context);

// A function's error is "SQLSTATE:22P02:message" for the engine to take apart.
constexpr const char* function_error_mark = "SQLSTATE:";

}  // namespace understudy::database
