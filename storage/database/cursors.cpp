// SPDX-License-Identifier: Apache-2.0
// DECLARE, FETCH, MOVE and CLOSE (PostgreSQL manual, SQL commands). A cursor's rows are read when it is
// declared: it shows what was there then, whoever writes meanwhile, and can be read in any direction.
#include <fmt/format.h>

#include <algorithm>

#include "storage/database/engine.hpp"

namespace understudy::database {

Engine::Status Engine::declare_cursor(const Prepared& outer) {
    const Statement& statement = outer.statement;
    const Statement& inner = *statement.inner;
    if (!statement.hold && !transaction_.open())
        return SqlError{sqlstate::no_active_transaction,
                        "DECLARE CURSOR can only be used in transaction blocks"};
    if (cursors_.contains(statement.name) || portals_.contains(statement.name))
        return SqlError{sqlstate::duplicate_portal,
                        fmt::format("cursor \"{}\" already exists", statement.name)};
    if (cursors_.size() >= max_portals)
        return SqlError{sqlstate::limit_exceeded, fmt::format("more than {} cursors", max_portals)};
    auto compiled = compile(connection_.get(), inner.sql);
    if (compiled.has_error()) return compiled.error();
    if (inner.locks_rows) {
        if (auto error = hold_open_portals()) return error;
        if (auto error = transaction_.before_write(lock_limit(), inner.tag)) return error;
    } else if (auto error = before_read()) {
        return error;
    }
    start_clock();
    std::size_t others = 0;
    for (const auto& [name, cursor] : cursors_) others += cursor.bytes;
    Cursor cursor;
    cursor.opened = ++opened_;
    cursor.columns = inner.columns;
    cursor.forward_only = statement.forward_only;
    cursor.hold = statement.hold;
    cursor.kept = statement.hold && !transaction_.open();  // nothing is left to be committed
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(compiled->get())) == SQLITE_ROW) {
        std::vector<Stored> row;
        for (std::size_t i = 0; i < inner.columns.size(); ++i) {
            row.push_back(column_value(compiled->get(), static_cast<int>(i)));
            cursor.bytes += sizeof(Stored) + static_cast<std::size_t>(
                                                 sqlite3_column_bytes(compiled->get(), static_cast<int>(i)));
        }
        cursor.bytes += sizeof row;
        if (others + cursor.bytes > max_held_bytes)
            return SqlError{
                sqlstate::limit_exceeded,
                fmt::format("the rows of this session's cursors take more than {} bytes", max_held_bytes)};
        cursor.rows.push_back(std::move(row));
    }
    if (code != SQLITE_DONE) return error_of(connection_.get(), code);
    cursors_.emplace(statement.name, std::move(cursor));
    out_->command_complete(statement.tag);
    return std::nullopt;
}

namespace {

// Which rows a FETCH gives, from first to last (backwards where last is less), and where it leaves the
// cursor: 0 before the first row, one more than there are behind the last.
struct Step {
    std::int64_t first = 1, last = 0, position = 0;
    bool backward = false;
    std::int64_t count() const {
        return std::max<std::int64_t>(0, backward ? first - last + 1 : last - first + 1);
    }
};

Step single(std::int64_t target, std::int64_t rows) {
    const std::int64_t position = std::clamp<std::int64_t>(target, 0, rows + 1);
    const bool on_row = position >= 1 && position <= rows;
    return {on_row ? position : 1, on_row ? position : 0, position, false};
}

Step step_of(FetchDirection direction, std::int64_t count, std::int64_t position, std::int64_t rows) {
    const std::int64_t bounded = std::clamp<std::int64_t>(count, -rows - 2, rows + 2);
    if (direction == FetchDirection::absolute)
        return single(bounded >= 0 ? bounded : std::max<std::int64_t>(0, rows + 1 + bounded), rows);
    if (direction == FetchDirection::relative || bounded == 0) return single(position + bounded, rows);
    const bool backward = (direction == FetchDirection::backward) != (bounded < 0);
    const std::int64_t wanted = std::abs(bounded);
    if (!backward) {
        const std::int64_t end = std::min(rows, position + wanted);
        return {position + 1, end, std::min(rows + 1, position + wanted), false};
    }
    const std::int64_t end = std::max<std::int64_t>(1, position - wanted);
    return {position - 1, end, std::max<std::int64_t>(0, position - wanted), true};
}

}  // namespace

Engine::Status Engine::fetch(const Statement& statement, const std::vector<std::int16_t>& formats,
                             bool describe) {
    const auto found = cursors_.find(statement.name);
    if (found == cursors_.end())
        return SqlError{sqlstate::bad_portal_name,
                        fmt::format("cursor \"{}\" does not exist", statement.name)};
    Cursor& cursor = found->second;
    if (!describe && !statement.moves_only && cursor.columns != statement.columns)
        return SqlError{sqlstate::feature_not_supported, "cached plan must not change result type"};
    const Step step = step_of(statement.direction, statement.fetch_count, cursor.position,
                              static_cast<std::int64_t>(cursor.rows.size()));
    if (cursor.forward_only && (step.backward || step.position < cursor.position))
        return SqlError{"55000", "cursor can only scan forward",
                        "Declare it with SCROLL option to enable backward scan."};
    if (!statement.moves_only) {
        Statement rows;
        rows.columns = cursor.columns;
        if (describe) out_->row_description(describe_columns(rows, formats));
        for (std::int64_t i = 0; i < step.count(); ++i) {
            const auto at = static_cast<std::size_t>((step.backward ? step.first - i : step.first + i) - 1);
            if (auto error = send_row(cursor.columns, formats, cursor.rows[at])) return error;
        }
    }
    cursor.position = step.position;
    out_->command_complete(fmt::format("{} {}", statement.tag, step.count()));
    return std::nullopt;
}

}  // namespace understudy::database
