// SPDX-License-Identifier: Apache-2.0
// The SQL functions that translated statements call (sql/function_table.cpp, operators and casts).
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

// What functions say about their session. Outlives the connection it is registered with.
constexpr std::size_t max_sequences = 1'000;  // of which a session keeps the last value

struct FunctionContext {
    std::int64_t now_unix_us = 0;        // fixed within a transaction
    std::int64_t statement_unix_us = 0;  // within a statement
    std::string user;
    std::string database;
    std::int32_t process_id = 0;
    std::function<std::int64_t()> clock;  // microseconds since 1970
    const std::map<std::string, std::string>* settings = nullptr;
    // What nextval() and setval() gave in this session, and the sequence that was the last.
    std::map<std::string, std::int64_t> sequences;
    std::string last_sequence;
    void remember_serial(const std::string& sequence, std::int64_t value) {
        if (sequences.size() >= max_sequences && !sequences.contains(sequence)) return;
        sequences[sequence] = value;
        last_sequence = sequence;
    }
    // pg_notify(): the reason why it can't.
    std::function<std::optional<SqlError>(std::string_view channel, std::string_view payload)> notify;
    std::function<bool()> interrupted;  // the statement is canceled, or out of time
};

// Registers all of them and the collations, and lets statements call nothing but them and SQLite's own that
// answer as PostgreSQL's do.
void register_functions(sqlite3* connection, FunctionContext& context);

}  // namespace understudy::database
