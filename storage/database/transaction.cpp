// SPDX-License-Identifier: Apache-2.0
#include "storage/database/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/io/clock.hpp"
#include "storage/database/sql/parse_tree.hpp"

namespace understudy::database {

char Transaction::status() const {
    if (block_ == Block::failed) return 'E';
    return block_ == Block::open ? 'T' : 'I';
}

void Transaction::begin(Isolation isolation, bool read_only) {
    // What an implicit one has done so far becomes part of it.
    block_ = Block::open;
    isolation_ = isolation;
    read_only_ = read_only;
}

void Transaction::join() {
    if (block_ == Block::none) block_ = Block::implicit;
}

void Transaction::set_modes(std::optional<Isolation> isolation, bool read_only) {
    if (isolation) isolation_ = *isolation;
    read_only_ = read_only_ || read_only;
}

Transaction::Status Transaction::before_read() {
    if (block_ != Block::open || isolation_ == Isolation::read_committed || in_sqlite()) return std::nullopt;
    return execute("BEGIN");  // the first read takes the snapshot
}

Transaction::Status Transaction::before_write(std::chrono::milliseconds limit, const std::string& what) {
    const std::string command = what.substr(0, what.find(" 0"));
    if (read_only_)
        return SqlError{sqlstate::read_only_transaction,
                        fmt::format("cannot execute {} in a read-only transaction", command)};
    if (auto error = operation_.faults.judge_write(command, !writing_)) return error;
    if (writing_) return std::nullopt;
    switch (wait_for_turn(limit)) {
        case WriteQueue::Outcome::canceled:
            return SqlError{sqlstate::query_canceled, "canceling statement due to user request"};
        case WriteQueue::Outcome::timed_out:
            return SqlError{
                sqlstate::lock_not_available,
                fmt::format("canceling statement due to lock timeout: others write for more than {} ms",
                            limit.count())};
        case WriteQueue::Outcome::granted:
            break;
    }
    writing_ = true;
    if (block_ == Block::none) block_ = Block::implicit;
    if (in_sqlite()) return std::nullopt;  // the write itself finds out whether its snapshot is the latest
    if (auto error = execute("BEGIN IMMEDIATE")) return error;
    for (const auto& name : savepoints_)
        if (auto error = execute("SAVEPOINT " + database::quoted(name))) return error;
    return std::nullopt;
}

WriteQueue::Outcome Transaction::wait_for_turn(std::chrono::milliseconds limit) {
    const Instant began = io::monotonic_now();
    const auto outcome = queue_.acquire(limit, canceled_);
    operation_.statistics.count_write_wait(io::monotonic_now() - began,
                                           outcome == WriteQueue::Outcome::granted);
    return outcome;
}

Transaction::Status Transaction::finish(bool commit) {
    savepoints_.clear();
    read_only_ = false;
    isolation_ = Isolation::read_committed;
    block_ = Block::none;
    Status error;
    if (in_sqlite()) {
        const Instant began = io::monotonic_now();
        if (commit && writing_) operation_.faults.before_commit();
        if (commit) error = execute("COMMIT");
        if (commit && writing_ && !error) operation_.statistics.count_commit(io::monotonic_now() - began);
        if (!commit || error) ++operation_.statistics.rollbacks;
        if (in_sqlite()) execute("ROLLBACK");
    }
    let_next_writer_in();
    return error;
}

void Transaction::fail() {
    if (block_ == Block::implicit) {
        finish(false);
    } else if (block_ == Block::none) {
        let_next_writer_in();
    } else {
        // SQLite itself rolls back on some errors (a full disk).
        const bool lost = writing_ && !in_sqlite();
        if (savepoints_.empty() || lost) finish(false);
        block_ = Block::failed;
    }
}

std::vector<std::string>::iterator Transaction::find_savepoint(const std::string& name) {
    const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), name);
    return found == savepoints_.rend() ? savepoints_.end() : found.base() - 1;
}

Transaction::Status Transaction::savepoint(const std::string& name) {
    if (!open())
        return SqlError{sqlstate::no_active_transaction, "SAVEPOINT can only be used in transaction blocks"};
    if (savepoints_.size() >= 1'000) return SqlError{sqlstate::limit_exceeded, "more than 1000 savepoints"};
    if (in_sqlite())
        if (auto error = execute("SAVEPOINT " + database::quoted(name))) return error;
    savepoints_.push_back(name);
    return std::nullopt;
}

Transaction::Status Transaction::release(const std::string& name) {
    if (!open())
        return SqlError{sqlstate::no_active_transaction,
                        "RELEASE SAVEPOINT can only be used in transaction blocks"};
    const auto found = find_savepoint(name);
    if (found == savepoints_.end())
        return SqlError{sqlstate::bad_savepoint, fmt::format("savepoint \"{}\" does not exist", name)};
    if (in_sqlite())
        if (auto error = execute("RELEASE " + database::quoted(name))) return error;
    savepoints_.erase(found, savepoints_.end());
    return std::nullopt;
}

Transaction::Status Transaction::roll_back_to(const std::string& name) {
    if (!open())
        return SqlError{sqlstate::no_active_transaction,
                        "ROLLBACK TO SAVEPOINT can only be used in transaction blocks"};
    const auto found = find_savepoint(name);
    if (found == savepoints_.end())
        return SqlError{sqlstate::bad_savepoint, fmt::format("savepoint \"{}\" does not exist", name)};
    if (in_sqlite())
        if (auto error = execute("ROLLBACK TO " + database::quoted(name))) return error;
    savepoints_.erase(found + 1, savepoints_.end());
    block_ = Block::open;
    return std::nullopt;
}

Transaction::Status Transaction::execute(const std::string& sql) {
    const auto done = run(connection_, sql);
    if (done.has_error()) return done.error();
    return std::nullopt;
}

void Transaction::let_next_writer_in() {
    if (!writing_) return;
    writing_ = false;
    queue_.release();
}

}  // namespace understudy::database
