// SPDX-License-Identifier: Apache-2.0
// Runs statements: in SQLite, and those about the session itself.
#include <fmt/format.h>

#include <algorithm>

#include "base/io/clock.hpp"
#include "storage/database/engine.hpp"

namespace understudy::database {
namespace {

std::string tag_of(const Statement& statement, std::int64_t rows) {
    return statement.counts_rows ? fmt::format("{} {}", statement.tag, rows) : statement.tag;
}

// A SELECT may have rows without columns.
bool gives_rows(const Statement& statement) {
    return !statement.columns.empty() || statement.kind == StatementKind::select;
}

}  // namespace

std::optional<SqlError> Engine::run(const EngineAction& action, BackendWriter& out) {
    const Instant began = io::monotonic_now();
    auto error = carry_out(action, out);
    operation_.statement_took(io::monotonic_now() - began, text_under_way(action), context_.user);
    return error;
}

// What takes its time in this action: in Sync the commit of what was executed last.
const std::string& Engine::text_under_way(const EngineAction& action) const {
    if (const auto* query = std::get_if<Query>(&action)) return query->sql;
    return executed_text_;
}

std::vector<ColumnDescription> Engine::describe_columns(const Statement& statement,
                                                        const std::vector<std::int16_t>& formats) const {
    std::vector<ColumnDescription> columns;
    for (std::size_t i = 0; i < statement.columns.size(); ++i) {
        const auto& column = statement.columns[i];
        columns.push_back({column.name, static_cast<std::uint32_t>(column.type.type),
                           type_bytes(column.type.type), format_at(formats, i), column.type.typmod});
    }
    return columns;
}

std::chrono::milliseconds Engine::lock_limit() const {
    auto limit = options_.lock_limit;
    if (const auto own = settings_.duration("lock_timeout"); own.count() > 0) limit = own;
    if (statement_deadline_ != std::chrono::steady_clock::time_point::max())
        limit = std::min(limit, std::max(std::chrono::milliseconds(1),
                                         std::chrono::duration_cast<std::chrono::milliseconds>(
                                             statement_deadline_ - std::chrono::steady_clock::now())));
    return limit;
}

int Engine::check_progress() {
    if (std::chrono::steady_clock::now() < statement_deadline_) return canceled_ ? 1 : 0;
    timed_out_ = true;
    return 1;
}

void Engine::start_clock() {
    context_.statement_unix_us = options_.clock();
    if (!transaction_.open()) context_.now_unix_us = context_.statement_unix_us;
}

Engine::Status Engine::run_portal(Portal& portal, std::int64_t row_limit, bool describe) {
    const Statement& statement = portal.prepared->statement;
    operation_.statistics.count_statement(statement.kind);
    if (auto error = admit(statement.kind)) return error;
    if (canceled_) return SqlError{sqlstate::query_canceled, "canceling statement due to user request"};
    for (const auto& notice : statement.notices) out_->notice("NOTICE", notice.sqlstate, notice.message);
    if (statement.kind == StatementKind::empty) {
        out_->empty_query_response();
        return std::nullopt;
    }
    if (statement.kind == StatementKind::copy)
        return statement.copy.from_client ? begin_copy(portal) : copy_out(portal);
    if (run_by_sqlite(statement.kind)) return run_sqlite(portal, row_limit, describe);
    switch (statement.kind) {
        case StatementKind::begin:
        case StatementKind::commit:
        case StatementKind::rollback:
        case StatementKind::savepoint:
        case StatementKind::release:
        case StatementKind::rollback_to:
            return run_transaction_statement(statement);
        case StatementKind::prepare:
            return run_prepare(*portal.prepared);
        case StatementKind::execute:
            return run_execute(portal, describe);
        case StatementKind::explain:
            return run_explain(statement, describe);
        case StatementKind::declare:
            return declare_cursor(*portal.prepared);
        case StatementKind::fetch:
            return fetch(statement, portal.formats, describe);
        default:
            return run_session_statement(statement, describe);
    }
}

Engine::Status Engine::run_sqlite(Portal& portal, std::int64_t row_limit, bool describe) {
    const Statement& statement = portal.prepared->statement;
    if (!portal.started) {
        if (!portal.compiled && statement.before.empty()) {
            auto compiled = compile(connection_.get(), statement.sql);
            if (compiled.has_error()) return compiled.error();
            portal.compiled = std::move(*compiled);
        }
        const bool writes = !statement.before.empty() || statement.locks_rows ||
                            sqlite3_stmt_readonly(portal.compiled.get()) == 0;
        if (writes) {
            if (auto error = hold_open_portals()) return error;
            if (auto error = transaction_.before_write(lock_limit(), statement.tag)) return error;
        } else if (auto error = before_read()) {
            return error;
        }
        portal.turns = transaction_.turns();
        start_clock();
        for (const auto& sql : statement.before)
            if (auto done = database::run(connection_.get(), sql); done.has_error()) return done.error();
        if (!portal.compiled) {
            auto compiled = compile(connection_.get(), statement.sql);
            if (compiled.has_error()) return compiled.error();
            portal.compiled = std::move(*compiled);
        }
        portal.started = true;
    }
    if (describe && gives_rows(statement)) out_->row_description(describe_columns(statement, portal.formats));
    auto error = send_rows(portal, statement.kind == StatementKind::select ? row_limit : 0);
    if (error && portal.compiled) sqlite3_reset(portal.compiled.get());
    // A temporary table's definition changes no version that other connections see.
    if (statement.kind == StatementKind::definition || !statement.before.empty()) schema_.forget();
    return error;
}

SqlResult<bool> Engine::next_row(Portal& portal, std::vector<Stored>& row) {
    if (!portal.held.empty()) {
        row = std::move(portal.held.front());
        portal.held.pop_front();
        return true;
    }
    if (portal.held_error) return *portal.held_error;
    if (portal.finished || portal.all_held) return false;
    sqlite3_stmt* compiled = portal.compiled.get();
    const int code = sqlite3_step(compiled);
    if (code == SQLITE_DONE) return false;
    if (code != SQLITE_ROW) return error_of(connection_.get(), code);
    row.resize(portal.prepared->statement.columns.size());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = column_value(compiled, static_cast<int>(i));
    return true;
}

Engine::Status Engine::send_row(const std::vector<ResultColumn>& columns,
                                const std::vector<std::int16_t>& formats, const std::vector<Stored>& row) {
    std::vector<std::optional<std::string>> values(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (std::holds_alternative<std::monostate>(row[i])) continue;
        const SqlType type = columns[i].type.type;
        if (format_at(formats, i) == 0) {
            values[i] = output_text(type, row[i]);
            continue;
        }
        auto bytes = output_binary(type, row[i]);
        if (bytes.has_error()) return bytes.error();
        values[i] = std::move(*bytes);
    }
    out_->data_row(values);
    if (out_->size() > 64 * 1024 && !options_.send(out_->take()))
        return SqlError{"08006", "the client does not read", {}, true};
    return std::nullopt;
}

Engine::Status Engine::send_rows(Portal& portal, std::int64_t row_limit) {
    const Statement& statement = portal.prepared->statement;
    std::int64_t rows = 0;
    std::vector<Stored> row;
    while (true) {
        if (row_limit > 0 && rows == row_limit) {
            out_->portal_suspended();
            return std::nullopt;
        }
        const auto more = next_row(portal, row);
        if (more.has_error()) return more.error();
        if (!*more) break;
        if (!gives_rows(statement)) continue;
        if (auto error = send_row(statement.columns, portal.formats, row)) return error;
        ++rows;
    }
    const bool counts_changes = statement.kind != StatementKind::select && statement.counts_rows;
    const std::int64_t counted = counts_changes ? sqlite3_changes64(connection_.get()) : rows;
    if (!statement.serial.empty() && counted > 0)
        context_.remember_serial(statement.serial, sqlite3_last_insert_rowid(connection_.get()));
    if (portal.compiled) sqlite3_reset(portal.compiled.get());  // ends its read snapshot
    portal.finished = true;
    if (statement.kind == StatementKind::select) lease_.read(statement, row);
    if (statement.kind == StatementKind::remove && counted > 0) lease_.removed_from(statement);
    out_->command_complete(tag_of(statement, counted));
    return std::nullopt;
}

Engine::Status Engine::finish(bool commit) {
    drop_portals();
    if (commit) lease_.before_commit();
    auto error = commit ? options_.notifications->commit(context_.process_id, notifications_,
                                                         [&] { return transaction_.finish(true); })
                        : transaction_.finish(false);
    if (error) transaction_.finish(false);  // its notifications were refused
    notifications_.clear();
    lease_.finished(commit && !error);
    end_cursors(commit && !error);
    settings_.finish(commit && !error);
    if (!commit || error) schema_.forget();
    return error;
}

}  // namespace understudy::database
