// SPDX-License-Identifier: Apache-2.0
// One session's SQL on SQLite: its connection, transaction, prepared statements and portals. Carries the
// session machine's engine actions out and writes the answers in wire form.
//
// Transactions: BEGIN takes the right to write (write_queue.hpp) and is BEGIN IMMEDIATE, so that transactions
// are serializable by running one at a time; BEGIN READ ONLY reads a snapshot. Statements outside of BEGIN
// form an implicit transaction up to the end of the simple query, or Sync. Only a writing one waits for the
// queue. now() is read when the transaction may write, so that times follow the order of commits. An error in
// a transaction rolls SQLite back and lets the next writer in at once, unless a savepoint is set. Threads:
// all but interrupt() on the session's thread.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/core/backend.hpp"
#include "storage/database/core/dialect.hpp"
#include "storage/database/core/frontend.hpp"
#include "storage/database/core/session.hpp"
#include "storage/database/functions.hpp"
#include "storage/database/write_queue.hpp"

namespace understudy::database {

struct SqliteClose {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct SqliteFinalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteConnection = std::unique_ptr<sqlite3, SqliteClose>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteFinalize>;

constexpr std::size_t max_prepared_statements = 1'000;
constexpr std::size_t max_portals = 100;

// Opens the file, creating it, with WAL, synchronous=FULL and foreign keys.
SqlResult<SqliteConnection> open_database(const std::string& path);
SqlError error_of(sqlite3* connection, int code);

class Engine {
  public:
    struct Options {
        std::chrono::milliseconds lock_limit{5000};
        std::function<bool(std::string)> send;  // hands a large answer on; false: the client is gone
    };
    Engine(SqliteConnection connection, FunctionContext context, WriteQueue& queue, Options options);
    Engine(const Engine&) = delete;
    ~Engine();

    std::optional<SqlError> run(const EngineAction& action, BackendWriter& out);
    char status() const;  // as in ReadyForQuery
    void interrupt();     // any thread: ends the running statement or wait with 57014

  private:
    enum class Block { none, implicit, open, failed };
    struct Prepared {
        Statement statement;
        bool empty = false;
        SqliteStatement compiled;  // lent to a portal and given back
        std::vector<SqlType> parameters;
    };
    struct Portal {
        std::shared_ptr<Prepared> prepared;
        SqliteStatement compiled;
        std::vector<std::int16_t> formats;
        bool started = false;
        bool finished = false;
    };
    using Status = std::optional<SqlError>;

    Status run_query(const std::string& sql);
    Status parse(const Parse& parse);
    Status bind(const Bind& bind);
    Status describe(const Describe& describe);
    Status execute(const Execute& execute);
    void close(const Close& close);

    SqlResult<std::shared_ptr<Prepared>> prepare(const std::vector<Token>& tokens,
                                                 const std::vector<std::uint32_t>& types);
    SqlResult<SqliteStatement> compile(const std::string& sql);
    Status bind_value(sqlite3_stmt* statement, int index, SqlType type, bool binary,
                      const std::string& value);
    std::vector<ColumnDescription> columns_of(const Prepared& prepared, sqlite3_stmt* compiled) const;
    SqlResult<std::string> wire_value(sqlite3_stmt* statement, int column,
                                      const ColumnDescription& description);
    Status run_portal(Portal& portal, std::int64_t row_limit, bool describe);
    Status step_rows(Portal& portal, std::int64_t row_limit, bool describe);
    Status run_transaction_statement(const Statement& statement);
    Status run_setting(const Statement& statement, bool describe);
    Status admit(const Statement& statement) const;
    Status begin_write(Block block);
    Status finish(bool commit);  // COMMIT or ROLLBACK in SQLite; the block is none afterwards
    void fail();                 // after an error: what the transaction becomes
    Status simple(const char* sql);
    void drop_portals();
    void give_back(Portal& portal);
    void read_clock();
    void let_next_writer_in();

    FunctionContext context_;
    SqliteConnection connection_;
    WriteQueue& queue_;
    Options options_;
    BackendWriter* out_ = nullptr;
    Block block_ = Block::none;
    bool writing_ = false;  // holds the right to write
    bool read_only_ = false;
    std::vector<std::string> savepoints_;
    std::map<std::string, std::shared_ptr<Prepared>> statements_;
    std::map<std::string, Portal> portals_;
    std::map<std::string, std::string> settings_;
    std::atomic<bool> canceled_ = false;
};

}  // namespace understudy::database
