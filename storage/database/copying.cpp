// SPDX-License-Identifier: Apache-2.0
// COPY from and to the client.
#include <fmt/format.h>

#include "storage/database/engine.hpp"

namespace understudy::database {
namespace {

CopyFormat format_of(const CopyPlan& plan) {
    return {plan.csv, plan.delimiter, plan.null_text, plan.quote, plan.escape};
}

}  // namespace

Engine::Status Engine::begin_copy(Portal& portal) {
    const Statement& statement = portal.prepared->statement;
    auto insert = compile(connection_.get(), statement.sql);
    if (insert.has_error()) return insert.error();
    if (auto error = hold_open_portals()) return error;
    if (auto error = transaction_.before_write(lock_limit(), "COPY FROM")) return error;
    start_clock();
    copy_.emplace(CopyIn{CopyReader(format_of(statement.copy)), statement.copy, std::move(*insert), 0,
                         statement.copy.header, statement.tag});
    out_->copy_in(statement.copy.columns.size());
    return std::nullopt;
}

Engine::Status Engine::copy_data(const std::string& bytes) {
    if (!copy_) return std::nullopt;
    if (auto taken = copy_->reader.append(bytes); taken.has_error()) return taken.error();
    return copy_rows();
}

Engine::Status Engine::copy_rows() {
    auto& copy = *copy_;
    const auto in_line = [&](SqlError error) {
        error.context = fmt::format("COPY, line {}", copy.reader.line());
        return error;
    };
    while (true) {
        auto row = copy.reader.next();
        if (row.has_error()) return row.error();
        if (!*row) return std::nullopt;
        if (std::exchange(copy.header_pending, false)) continue;
        const auto& columns = copy.plan.columns;
        if ((*row)->size() > columns.size())
            return in_line(SqlError{"22P04", "extra data after last expected column"});
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (i >= (*row)->size())
                return in_line(
                    SqlError{"22P04", fmt::format("missing data for column \"{}\"", columns[i].name)});
            if (!(**row)[i]) {
                database::bind(copy.insert.get(), static_cast<int>(i + 1), Stored());
                continue;
            }
            auto value = input_text(columns[i].type, *(**row)[i]);
            if (value.has_error()) {
                return in_line(value.error());
            }
            database::bind(copy.insert.get(), static_cast<int>(i + 1), *value);
        }
        const int code = sqlite3_step(copy.insert.get());
        if (code != SQLITE_DONE) {
            return in_line(error_of(connection_.get(), code));
        }
        sqlite3_reset(copy.insert.get());
        ++copy.rows;
    }
}

Engine::Status Engine::end_copy() {
    if (!copy_) return std::nullopt;
    if (auto finished = copy_->reader.finish(); finished.has_error()) return finished.error();
    if (auto error = copy_rows()) return error;
    out_->command_complete(fmt::format("{} {}", copy_->tag, copy_->rows));
    copy_.reset();
    return query_ ? run_statements() : std::nullopt;
}

Engine::Status Engine::copy_out(Portal& portal) {
    const Statement& statement = portal.prepared->statement;
    auto compiled = compile(connection_.get(), statement.sql);
    if (compiled.has_error()) return compiled.error();
    if (auto error = before_read()) return error;
    start_clock();
    portal.compiled = std::move(*compiled);
    const CopyFormat format = format_of(statement.copy);
    const auto& columns = statement.copy.columns;
    out_->copy_out(columns.size());
    CopyRow row(columns.size());
    if (statement.copy.header) {
        for (std::size_t i = 0; i < columns.size(); ++i) row[i] = columns[i].name;
        out_->copy_data(copy_line(format, row));
    }
    std::int64_t rows = 0;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(portal.compiled.get())) == SQLITE_ROW) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const Stored value = column_value(portal.compiled.get(), static_cast<int>(i));
            row[i].reset();
            if (!std::holds_alternative<std::monostate>(value))
                row[i] = output_text(columns[i].type.type, value);
        }
        out_->copy_data(copy_line(format, row));
        ++rows;
        if (out_->size() > 64 * 1024 && !options_.send(out_->take()))
            return SqlError{"08006", "the client does not read", {}, true};
    }
    if (code != SQLITE_DONE) return error_of(connection_.get(), code);
    portal.compiled.reset();
    out_->copy_done();
    out_->command_complete(fmt::format("{} {}", statement.tag, rows));
    return std::nullopt;
}

}  // namespace understudy::database
