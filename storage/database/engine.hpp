// SPDX-License-Identifier: Apache-2.0
// One session's SQL: its connection to SQLite, prepared statements and portals. Carries the session machine's
// engine actions out and writes the answers in wire form. now() is the time at which a transaction began; one
// outside of BEGIN that writes begins when it may write. Threads: all but interrupt() on the session's
// thread.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/core/backend.hpp"
#include "storage/database/core/copy_text.hpp"
#include "storage/database/core/frontend.hpp"
#include "storage/database/core/savepoints.hpp"
#include "storage/database/core/session.hpp"
#include "storage/database/functions/context.hpp"
#include "storage/database/lease_watch.hpp"
#include "storage/database/notification_hub.hpp"
#include "storage/database/operation.hpp"
#include "storage/database/schema_reader.hpp"
#include "storage/database/settings.hpp"
#include "storage/database/sql/translate.hpp"
#include "storage/database/sqlite.hpp"
#include "storage/database/transaction.hpp"
#include "storage/database/write_queue.hpp"

namespace understudy::database {

constexpr std::size_t max_prepared_statements = 1'000;
constexpr std::size_t max_portals = 100;
constexpr std::size_t max_held_bytes = 64 * 1024 * 1024;  // of rows that a cursor keeps across a write

class Engine {
  public:
    struct Options {
        std::chrono::milliseconds lock_limit{5000};
        std::function<bool(std::string)> send;  // hands a large answer on; false: the client is gone
        std::function<std::int64_t()> clock;    // microseconds since 1970
        NotificationHub* notifications = nullptr;
    };
    Engine(SqliteConnection connection, FunctionContext context, WriteQueue& queue, Operation& operation,
           Options options);
    Engine(const Engine&) = delete;
    ~Engine();

    std::optional<SqlError> run(const EngineAction& action, BackendWriter& out);
    char status() const { return transaction_.status(); }  // as in ReadyForQuery
    bool copying() const { return copy_.has_value(); }     // rows are awaited from the client
    bool blocks_others() const { return transaction_.writing(); }
    void interrupt();  // any thread: ends the running statement or wait with 57014

  private:
    using Status = std::optional<SqlError>;
    struct Prepared {
        std::string sql;
        std::vector<SqlType> declared;
        Statement statement;
        std::int64_t schema_version = 0;
        std::size_t index = 0;     // of the statement in `sql`
        bool inner = false;        // and what it is about, of a PREPARE
        SqliteStatement compiled;  // lent to a portal and given back
    };
    struct Portal {
        std::shared_ptr<Prepared> prepared;
        SqliteStatement compiled;
        std::vector<std::int16_t> formats;
        std::uint64_t opened = 0;  // in the order of opened_
        std::uint64_t turns = 0;   // the write queue's, before its first row was read
        bool started = false;
        bool finished = false;
        bool failed = false;
        std::deque<std::vector<Stored>> held;  // rows read ahead because something was written meanwhile
        bool all_held = false;
        std::optional<SqlError> held_error{};  // behind them
    };
    struct Cursor {  // of DECLARE
        std::vector<ResultColumn> columns;
        std::vector<std::vector<Stored>> rows;
        std::uint64_t opened = 0;
        std::int64_t position = 0;  // 0: before the first row
        std::size_t bytes = 0;
        bool forward_only = false, hold = false;
        bool kept = false;  // its transaction was committed
    };
    struct CopyIn {
        CopyReader reader;
        CopyPlan plan;
        SqliteStatement insert;
        std::int64_t rows = 0;
        bool header_pending = false;
        std::string tag;
    };

    // engine.cpp: messages
    Status carry_out(const EngineAction& action, BackendWriter& out);
    const std::string& text_under_way(const EngineAction& action) const;
    Status run_query(const std::string& sql);
    Status run_statements();  // those of the query that are left
    Status parse(const Parse& parse);
    Status bind(const Bind& bind);
    Status describe(const Describe& describe);
    Status execute(const Execute& execute);
    void close(const Close& close);
    SqlResult<std::shared_ptr<Prepared>> prepare(std::string sql, const PgQuery__Node* node,
                                                 std::vector<SqlType> declared, std::size_t index = 0);
    Status know_columns(Statement& statement) const;  // of EXECUTE and FETCH
    Status keep_current(Prepared& prepared);          // translated again where the schema has changed
    Status admit(StatementKind kind) const;

    // portals.cpp
    void give_back(Portal& portal);
    void drop_portals();
    Status hold_open_portals();
    Status see_latest();
    Status before_read();
    Status end_statements();
    Status roll_back_to(const std::string& savepoint);
    void end_cursors(bool commit);

    // execution.cpp and session_execution.cpp: statements
    Status run_portal(Portal& portal, std::int64_t row_limit, bool describe);
    Status run_sqlite(Portal& portal, std::int64_t row_limit, bool describe);
    Status send_row(const std::vector<ResultColumn>& columns, const std::vector<std::int16_t>& formats,
                    const std::vector<Stored>& row);
    Status send_rows(Portal& portal, std::int64_t row_limit);
    Status run_session_statement(const Statement& statement, bool describe);
    Status run_transaction_statement(const Statement& statement);
    SqlResult<bool> next_row(Portal& portal, std::vector<Stored>& row);
    std::vector<ColumnDescription> describe_columns(const Statement& statement,
                                                    const std::vector<std::int16_t>& formats) const;
    Status finish(bool commit);
    Status notify(std::string_view channel, std::string_view payload);
    Status listen(PendingNotifications::Action action);
    std::chrono::milliseconds lock_limit() const;
    void start_clock();
    int check_progress();

    // inner_statements.cpp and cursors.cpp
    Status run_prepare(const Prepared& outer);
    Status run_execute(Portal& outer, bool describe);
    SqlResult<std::vector<Stored>> execute_arguments(const Statement& statement,
                                                     const std::vector<SqlType>& types);
    Status run_explain(const Statement& statement, bool describe);
    Status declare_cursor(const Prepared& outer);
    Status fetch(const Statement& statement, const std::vector<std::int16_t>& formats, bool describe);

    // copying.cpp
    Status begin_copy(Portal& portal);
    Status copy_out(Portal& portal);
    Status copy_data(const std::string& bytes);
    Status copy_rows();
    Status end_copy();

    FunctionContext context_;
    SqliteConnection connection_;
    Operation& operation_;
    Options options_;
    std::atomic<bool> canceled_ = false;
    bool timed_out_ = false;
    std::chrono::steady_clock::time_point statement_deadline_ = std::chrono::steady_clock::time_point::max();
    SchemaReader schema_;
    Settings settings_;
    Transaction transaction_;
    LeaseWatch lease_;
    PendingNotifications notifications_;
    BackendWriter* out_ = nullptr;
    std::map<std::string, std::shared_ptr<Prepared>> statements_;
    std::map<std::string, Portal> portals_;
    std::map<std::string, Cursor> cursors_;
    std::uint64_t opened_ = 0;  // portals and cursors so far
    Savepoints<std::uint64_t> opened_by_savepoint_;
    std::optional<CopyIn> copy_;
    std::optional<ParseTree> query_;  // a simple query's statements, run up to query_next_
    std::size_t query_next_ = 0;
    std::string query_text_;
    std::string executed_text_;  // by the latest Execute
};

bool run_by_sqlite(StatementKind kind);

}  // namespace understudy::database
