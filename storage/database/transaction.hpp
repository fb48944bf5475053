// SPDX-License-Identifier: Apache-2.0
// One session's transaction on SQLite, with PostgreSQL's isolation levels (manual chapter 13.2).
//
// READ COMMITTED: until a transaction writes, each statement reads what is committed then; SQLite's
// transaction begins with the first write (or FOR UPDATE), behind those that asked before (write_queue.hpp),
// and from then on nobody else writes. So readers never wait, and nothing is lost that PostgreSQL would keep.
// REPEATABLE READ and SERIALIZABLE read one snapshot; to write on one that is no longer the latest fails with
// 40001. Statements outside of BEGIN form an implicit transaction up to the end of the simple query, or Sync.
// After an error the transaction is rolled back at once, unless a savepoint is set, so that the next writer
// needn't wait for the client. Used by the session's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/operation.hpp"
#include "storage/database/sql/statement.hpp"
#include "storage/database/sqlite.hpp"
#include "storage/database/write_queue.hpp"

namespace understudy::database {

class Transaction {
  public:
    using Status = std::optional<SqlError>;
    Transaction(sqlite3* connection, WriteQueue& queue, Operation& operation,
                const std::atomic<bool>& canceled)
        : connection_(connection), queue_(queue), operation_(operation), canceled_(canceled) {}
    Transaction(const Transaction&) = delete;
    ~Transaction() { finish(false); }

    char status() const;  // as in ReadyForQuery
    bool open() const { return block_ == Block::open || block_ == Block::failed; }
    bool implicit() const { return block_ == Block::implicit; }
    bool none() const { return block_ == Block::none; }
    bool failed() const { return block_ == Block::failed; }
    bool recoverable() const { return !savepoints_.empty(); }  // where it failed: by ROLLBACK TO
    bool writing() const { return writing_; }
    bool read_only() const { return read_only_; }
    Isolation isolation() const { return isolation_; }

    void begin(Isolation isolation, bool read_only);
    void join();  // outside of a block: what was done belongs to an implicit one
    void set_modes(std::optional<Isolation> isolation, bool read_only);
    // Before a statement that only reads, or one that writes: waits for the right to write at most `limit`.
    Status before_read();
    // Whether each statement reads what is committed when it begins, rather than what the first one saw.
    bool reads_anew() const { return isolation_ == Isolation::read_committed && !in_sqlite(); }
    std::uint64_t turns() const { return queue_.turns(); }
    // `what` is what a read-only transaction can't do: "INSERT".
    Status before_write(std::chrono::milliseconds limit, const std::string& what);
    Status finish(bool commit);  // COMMIT or ROLLBACK; there is none afterwards
    void fail();                 // after an error: what the transaction becomes

    Status savepoint(const std::string& name);
    Status release(const std::string& name);
    Status roll_back_to(const std::string& name);

  private:
    enum class Block { none, implicit, open, failed };
    Status execute(const std::string& sql);
    WriteQueue::Outcome wait_for_turn(std::chrono::milliseconds limit);
    std::vector<std::string>::iterator find_savepoint(const std::string& name);
    void let_next_writer_in();
    bool in_sqlite() const { return sqlite3_get_autocommit(connection_) == 0; }

    sqlite3* connection_;
    WriteQueue& queue_;
    Operation& operation_;
    const std::atomic<bool>& canceled_;
    Block block_ = Block::none;
    Isolation isolation_ = Isolation::read_committed;
    bool read_only_ = false;
    bool writing_ = false;  // holds the right to write
    std::vector<std::string> savepoints_;
};

}  // namespace understudy::database
