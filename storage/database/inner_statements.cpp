// SPDX-License-Identifier: Apache-2.0
// What prepared statements are by now; PREPARE and EXECUTE as statements; EXPLAIN: SQLite's own plan, which
// is the one that is followed.
#include <fmt/format.h>

#include <map>

#include "storage/database/core/numeric.hpp"
#include "storage/database/engine.hpp"

namespace understudy::database {

Engine::Status Engine::know_columns(Statement& statement) const {
    if (statement.kind == StatementKind::execute) {
        const auto found = statements_.find(statement.name);
        if (found == statements_.end())
            return SqlError{sqlstate::bad_statement_name,
                            fmt::format("prepared statement \"{}\" does not exist", statement.name)};
        statement.columns = found->second->statement.columns;
    } else if (statement.kind == StatementKind::fetch) {
        const auto found = cursors_.find(statement.name);
        if (found == cursors_.end())
            return SqlError{sqlstate::bad_portal_name,
                            fmt::format("cursor \"{}\" does not exist", statement.name)};
        if (!statement.moves_only) statement.columns = found->second.columns;
    }
    return std::nullopt;
}

Engine::Status Engine::keep_current(Prepared& prepared) {
    if (!run_by_sqlite(prepared.statement.kind) || transaction_.failed()) return std::nullopt;
    if (auto error = see_latest()) return error;
    schema_.refresh();
    if (prepared.schema_version == schema_.version()) return std::nullopt;
    auto tree = ParseTree::parse(prepared.sql);
    if (tree.has_error()) return tree.error();
    const PgQuery__Node& node = tree->statement(prepared.index);
    auto statement = translate(prepared.inner ? *inner_statement(node) : node, schema_, prepared.declared);
    if (statement.has_error()) return statement.error();
    if (statement->columns != prepared.statement.columns ||
        statement->parameters != prepared.statement.parameters)
        return SqlError{sqlstate::feature_not_supported, "cached plan must not change result type"};
    prepared.statement = std::move(*statement);
    prepared.schema_version = schema_.version();
    prepared.compiled.reset();
    return std::nullopt;
}

Engine::Status Engine::run_prepare(const Prepared& outer) {
    const Statement& statement = outer.statement;
    if (statements_.contains(statement.name))
        return SqlError{sqlstate::duplicate_statement,
                        fmt::format("prepared statement \"{}\" already exists", statement.name)};
    if (statements_.size() >= max_prepared_statements)
        return SqlError{sqlstate::limit_exceeded,
                        fmt::format("more than {} prepared statements", max_prepared_statements)};
    auto prepared = std::make_shared<Prepared>();
    prepared->sql = outer.sql;
    prepared->index = outer.index;
    prepared->inner = true;
    prepared->declared = statement.declared;
    prepared->statement = *statement.inner;
    prepared->schema_version = outer.schema_version;
    statements_[statement.name] = std::move(prepared);
    out_->command_complete(statement.tag);
    return std::nullopt;
}

SqlResult<std::vector<Stored>> Engine::execute_arguments(const Statement& statement,
                                                         const std::vector<SqlType>& types) {
    std::vector<Stored> values;
    if (statement.arguments.size() != types.size())
        return SqlError{
            sqlstate::syntax_error,
            fmt::format("wrong number of parameters for prepared statement \"{}\"", statement.name)};
    if (types.empty()) return values;
    auto compiled = compile(connection_.get(), statement.sql);
    if (compiled.has_error()) return compiled.error();
    const int code = sqlite3_step(compiled->get());
    if (code != SQLITE_ROW) return error_of(connection_.get(), code);
    for (std::size_t i = 0; i < types.size(); ++i) {
        Stored value = column_value(compiled->get(), static_cast<int>(i));
        const SqlType given = statement.arguments[i].type.type;
        if (given != types[i] && !std::holds_alternative<std::monostate>(value)) {
            const bool kin = given == SqlType::unknown || (is_number(given) && is_number(types[i])) ||
                             (is_text(given) && is_text(types[i]));
            if (!kin)
                return SqlError{
                    "42804", fmt::format("parameter ${} of type {} cannot be coerced to the expected type {}",
                                         i + 1, type_name(given), type_name(types[i]))};
            std::string text = output_text(given, value);
            const bool rounds = is_integer(types[i]) && is_number(given) && !is_integer(given);
            if (const auto* real = std::get_if<double>(&value); rounds && real != nullptr)
                text = fmt::format("{:.0f}", *real);  // halves to even
            else if (const auto number = rounds ? parse_numeric(text) : std::nullopt)
                text = show(rounded(*number, 0));
            auto converted = input_text({types[i], -1}, text);
            if (converted.has_error()) return converted.error();
            value = std::move(*converted);
        }
        values.push_back(std::move(value));
    }
    return values;
}

Engine::Status Engine::run_execute(Portal& outer, bool describe) {
    const Statement& statement = outer.prepared->statement;
    const auto found = statements_.find(statement.name);
    if (found == statements_.end())
        return SqlError{sqlstate::bad_statement_name,
                        fmt::format("prepared statement \"{}\" does not exist", statement.name)};
    const auto prepared = found->second;
    if (auto error = keep_current(*prepared)) return error;
    if (!run_by_sqlite(prepared->statement.kind)) return unsupported("EXECUTE of this statement");
    if (!describe && prepared->statement.columns != statement.columns)
        return SqlError{sqlstate::feature_not_supported, "cached plan must not change result type"};
    start_clock();
    const auto values = execute_arguments(statement, prepared->statement.parameters);
    if (values.has_error()) return values.error();
    Portal portal;
    portal.prepared = prepared;
    portal.formats = outer.formats;
    auto compiled = compile(connection_.get(), prepared->statement.sql);
    if (compiled.has_error()) return compiled.error();
    portal.compiled = std::move(*compiled);
    const int used = sqlite3_bind_parameter_count(portal.compiled.get());
    for (std::size_t i = 0; i < values->size() && static_cast<int>(i) < used; ++i)
        database::bind(portal.compiled.get(), static_cast<int>(i + 1), (*values)[i]);
    return run_portal(portal, 0, describe);
}

Engine::Status Engine::run_explain(const Statement& statement, bool describe) {
    const Statement& inner = *statement.inner;
    auto plan = compile(connection_.get(), "EXPLAIN QUERY PLAN " + inner.sql);
    if (plan.has_error()) return plan.error();
    std::vector<std::string> lines;
    std::map<int, std::size_t> depths;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(plan->get())) == SQLITE_ROW) {
        const auto parent = depths.find(sqlite3_column_int(plan->get(), 1));
        const std::size_t depth = parent == depths.end() ? 0 : parent->second + 1;
        depths[sqlite3_column_int(plan->get(), 0)] = depth;
        const auto* detail = reinterpret_cast<const char*>(sqlite3_column_text(plan->get(), 3));
        lines.push_back(std::string(depth * 2, ' ') + (depth > 0 ? "->  " : "") +
                        (detail == nullptr ? "" : detail));
    }
    if (code != SQLITE_DONE) return error_of(connection_.get(), code);
    plan->reset();
    if (lines.empty()) lines.push_back(inner.kind == StatementKind::select ? "Result" : inner.tag);
    if (statement.analyze) {
        auto compiled = compile(connection_.get(), inner.sql);
        if (compiled.has_error()) return compiled.error();
        const bool writes = inner.locks_rows || sqlite3_stmt_readonly(compiled->get()) == 0;
        if (writes) {
            if (auto error = hold_open_portals()) return error;
            if (auto error = transaction_.before_write(lock_limit(), inner.tag)) return error;
        } else if (auto error = before_read()) {
            return error;
        }
        start_clock();
        std::int64_t rows = 0;
        const auto begin = std::chrono::steady_clock::now();
        while ((code = sqlite3_step(compiled->get())) == SQLITE_ROW) ++rows;
        if (code != SQLITE_DONE) return error_of(connection_.get(), code);
        const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
        lines.push_back(fmt::format("Actual Rows: {}", rows));
        lines.push_back(fmt::format("Execution Time: {:.3f} ms", taken.count()));
    }
    if (describe) out_->row_description(describe_columns(statement, {}));
    for (const auto& line : lines) out_->data_row({line});
    out_->command_complete(statement.tag);
    return std::nullopt;
}

}  // namespace understudy::database
