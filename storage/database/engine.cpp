// SPDX-License-Identifier: Apache-2.0
#include "storage/database/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/assert.hpp"

namespace understudy::database {
namespace {

bool starts_with(const std::string& text, std::string_view start) {
    return text.compare(0, start.size(), start) == 0;
}

bool run_by_sqlite(StatementKind kind) {
    return kind == StatementKind::select || kind == StatementKind::insert || kind == StatementKind::update ||
           kind == StatementKind::remove || kind == StatementKind::definition;
}

std::string tag_of(const Statement& statement, std::int64_t rows) {
    return statement.counts_rows ? fmt::format("{} {}", statement.tag, rows) : statement.tag;
}

}  // namespace

Engine::Engine(SqliteConnection connection, FunctionContext context, WriteQueue& queue, Options options)
    : context_(std::move(context)),
      connection_(std::move(connection)),
      queue_(queue),
      options_(std::move(options)) {
    register_functions(connection_.get(), context_);
    settings_ = {{"application_name", ""},
                 {"client_encoding", "UTF8"},
                 {"server_encoding", "UTF8"},
                 {"datestyle", "ISO, MDY"},
                 {"timezone", "UTC"},
                 {"standard_conforming_strings", "on"},
                 {"integer_datetimes", "on"},
                 {"server_version", "15.0 (understudy)"},
                 {"server_version_num", "150000"},
                 {"extra_float_digits", "1"},
                 {"client_min_messages", "notice"},
                 {"statement_timeout", "0"},
                 {"intervalstyle", "postgres"},
                 {"search_path", "public"},
                 {"transaction_isolation", "serializable"},
                 {"default_transaction_isolation", "serializable"},
                 {"max_identifier_length", "63"},
                 {"bytea_output", "hex"}};
}

Engine::~Engine() {
    portals_.clear();
    statements_.clear();
    if (block_ != Block::none) finish(false);
    let_next_writer_in();
}

char Engine::status() const {
    if (block_ == Block::failed) return 'E';
    return block_ == Block::open ? 'T' : 'I';
}

void Engine::interrupt() {
    canceled_ = true;
    sqlite3_interrupt(connection_.get());
    queue_.wake();
}

std::optional<SqlError> Engine::run(const EngineAction& action, BackendWriter& out) {
    out_ = &out;
    canceled_ = false;  // a cancel request that came too late is not for this one
    auto error = std::visit(
        [&](const auto& item) -> Status {
            using Item = std::decay_t<decltype(item)>;
            if constexpr (std::is_same_v<Item, Query>) return run_query(item.sql);
            if constexpr (std::is_same_v<Item, Parse>) return parse(item);
            if constexpr (std::is_same_v<Item, Bind>) return bind(item);
            if constexpr (std::is_same_v<Item, Describe>) return describe(item);
            if constexpr (std::is_same_v<Item, Execute>) return execute(item);
            if constexpr (std::is_same_v<Item, Close>) close(item);
            if constexpr (std::is_same_v<Item, Sync>) {
                if (block_ == Block::implicit) return finish(true);
                if (block_ == Block::none) drop_portals();
            }
            return std::nullopt;
        },
        action);
    if (error) fail();
    return error;
}

Engine::Status Engine::run_query(const std::string& sql) {
    auto tokens = tokenize(sql);
    if (tokens.has_error()) return tokens.error();
    const auto statements = split_statements(*tokens);
    if (statements.empty()) {
        out_->empty_query_response();
        return std::nullopt;
    }
    for (const auto& text : statements) {
        auto prepared = prepare(text, {});
        if (prepared.has_error()) return prepared.error();
        if (!(*prepared)->parameters.empty()) return SqlError{"42P02", "there is no parameter $1"};
        Portal portal{*prepared, std::move((*prepared)->compiled), {}};
        if (auto error = run_portal(portal, 0, true)) return error;
    }
    return block_ == Block::implicit ? finish(true) : std::nullopt;
}

Engine::Status Engine::parse(const Parse& parse) {
    if (!parse.statement.empty() && statements_.contains(parse.statement))
        return SqlError{sqlstate::duplicate_statement,
                        fmt::format("prepared statement \"{}\" already exists", parse.statement)};
    if (statements_.size() >= max_prepared_statements && !statements_.contains(parse.statement))
        return SqlError{sqlstate::limit_exceeded,
                        fmt::format("more than {} prepared statements", max_prepared_statements)};
    auto tokens = tokenize(parse.sql);
    if (tokens.has_error()) return tokens.error();
    auto parts = split_statements(*tokens);
    if (parts.size() > 1)
        return SqlError{sqlstate::syntax_error, "cannot insert multiple commands into a prepared statement"};
    auto prepared = prepare(parts.empty() ? std::vector<Token>() : parts[0], parse.parameter_types);
    if (prepared.has_error()) return prepared.error();
    statements_[parse.statement] = std::move(*prepared);
    out_->parse_complete();
    return std::nullopt;
}

SqlResult<std::shared_ptr<Engine::Prepared>> Engine::prepare(const std::vector<Token>& tokens,
                                                             const std::vector<std::uint32_t>& types) {
    auto prepared = std::make_shared<Prepared>();
    if (tokens.empty()) {
        prepared->empty = true;
        return prepared;
    }
    auto statement = translate(tokens);
    if (statement.has_error()) return statement.error();
    prepared->statement = std::move(*statement);
    if (auto error = admit(prepared->statement)) return *error;
    prepared->parameters = prepared->statement.parameters;
    if (types.size() > prepared->parameters.size())
        prepared->parameters.resize(types.size(), SqlType::unknown);
    for (std::size_t i = 0; i < types.size(); ++i) {
        const auto type = type_from_oid(types[i]);
        if (!type)
            return SqlError{sqlstate::feature_not_supported,
                            fmt::format("parameter ${}: type with OID {} is not supported", i + 1, types[i])};
        if (*type != SqlType::unknown) prepared->parameters[i] = *type;
    }
    if (!run_by_sqlite(prepared->statement.kind)) return prepared;
    auto compiled = compile(prepared->statement.sql);
    if (compiled.has_error()) return compiled.error();
    prepared->compiled = std::move(*compiled);
    return prepared;
}

SqlResult<SqliteStatement> Engine::compile(const std::string& sql) {
    sqlite3_stmt* compiled = nullptr;
    const int code = sqlite3_prepare_v3(connection_.get(), sql.c_str(), static_cast<int>(sql.size() + 1), 0,
                                        &compiled, nullptr);
    if (code != SQLITE_OK) return error_of(connection_.get(), code);
    if (compiled == nullptr) return SqlError{sqlstate::syntax_error, "syntax error at end of input"};
    return SqliteStatement(compiled);
}

Engine::Status Engine::bind(const Bind& bind) {
    const auto found = statements_.find(bind.statement);
    if (found == statements_.end())
        return SqlError{sqlstate::bad_statement_name,
                        fmt::format("prepared statement \"{}\" does not exist", bind.statement)};
    const auto prepared = found->second;
    if (!prepared->empty)
        if (auto error = admit(prepared->statement)) return error;
    if (bind.parameters.size() != prepared->parameters.size())
        return SqlError{
            sqlstate::protocol_violation,
            fmt::format("bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                        bind.parameters.size(), bind.statement, prepared->parameters.size())};
    if (auto old = portals_.find(bind.portal); old != portals_.end()) {
        if (!bind.portal.empty())
            return SqlError{sqlstate::duplicate_portal,
                            fmt::format("portal \"{}\" already exists", bind.portal)};
        give_back(old->second);
        portals_.erase(old);
    }
    if (portals_.size() >= max_portals)
        return SqlError{sqlstate::limit_exceeded, fmt::format("more than {} portals", max_portals)};
    Portal portal{prepared, {}, bind.result_formats};
    if (!prepared->empty && run_by_sqlite(prepared->statement.kind)) {
        portal.compiled = std::move(prepared->compiled);
        if (!portal.compiled) {
            auto compiled = compile(prepared->statement.sql);
            if (compiled.has_error()) return compiled.error();
            portal.compiled = std::move(*compiled);
        }
        const auto columns = static_cast<std::size_t>(sqlite3_column_count(portal.compiled.get()));
        Status error;
        if (bind.result_formats.size() > 1 && bind.result_formats.size() != columns)
            error = SqlError{sqlstate::protocol_violation,
                             fmt::format("bind message has {} result formats but query has {} columns",
                                         bind.result_formats.size(), columns)};
        // More parameters may be declared than the statement uses.
        const auto used = static_cast<std::size_t>(sqlite3_bind_parameter_count(portal.compiled.get()));
        for (std::size_t i = 0; i < std::min(bind.parameters.size(), used) && !error; ++i)
            if (bind.parameters[i])
                error = bind_value(portal.compiled.get(), static_cast<int>(i + 1), prepared->parameters[i],
                                   format_at(bind.parameter_formats, i) == 1, *bind.parameters[i]);
        if (error) {
            give_back(portal);
            return error;
        }
    }
    portals_[bind.portal] = std::move(portal);
    out_->bind_complete();
    return std::nullopt;
}

void Engine::give_back(Portal& portal) {
    if (!portal.compiled || !portal.prepared) return;
    sqlite3_reset(portal.compiled.get());
    sqlite3_clear_bindings(portal.compiled.get());
    if (!portal.prepared->compiled) portal.prepared->compiled = std::move(portal.compiled);
    portal.compiled.reset();
}

Engine::Status Engine::describe(const Describe& describe) {
    const Prepared* prepared = nullptr;
    sqlite3_stmt* compiled = nullptr;
    SqliteStatement temporary;
    std::vector<std::int16_t> formats;
    if (describe.target == Target::portal) {
        const auto found = portals_.find(describe.name);
        if (found == portals_.end())
            return SqlError{sqlstate::bad_portal_name,
                            fmt::format("portal \"{}\" does not exist", describe.name)};
        prepared = found->second.prepared.get();
        compiled = found->second.compiled.get();
        formats = found->second.formats;
    } else {
        const auto found = statements_.find(describe.name);
        if (found == statements_.end())
            return SqlError{sqlstate::bad_statement_name,
                            fmt::format("prepared statement \"{}\" does not exist", describe.name)};
        prepared = found->second.get();
        compiled = prepared->compiled.get();
        if (compiled == nullptr && !prepared->empty && run_by_sqlite(prepared->statement.kind)) {
            auto again = compile(prepared->statement.sql);
            if (again.has_error()) return again.error();
            temporary = std::move(*again);
            compiled = temporary.get();
        }
        std::vector<std::uint32_t> types;
        for (const SqlType type : prepared->parameters)
            types.push_back(static_cast<std::uint32_t>(type == SqlType::unknown ? SqlType::text : type));
        out_->parameter_description(types);
    }
    auto columns = columns_of(*prepared, compiled);
    if (columns.empty()) {
        out_->no_data();
        return std::nullopt;
    }
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].format = format_at(formats, i);
    out_->row_description(columns);
    return std::nullopt;
}

std::vector<ColumnDescription> Engine::columns_of(const Prepared& prepared, sqlite3_stmt* compiled) const {
    std::vector<ColumnDescription> columns;
    if (prepared.empty) return columns;
    if (prepared.statement.kind == StatementKind::show) {
        columns.push_back({prepared.statement.name, 25, -1, 0});
        return columns;
    }
    if (compiled == nullptr) return columns;
    const auto count = static_cast<std::size_t>(sqlite3_column_count(compiled));
    const auto& hints = prepared.statement.columns;
    const auto star =
        std::find_if(hints.begin(), hints.end(), [](const ColumnHint& hint) { return hint.star; });
    const auto before = static_cast<std::size_t>(star - hints.begin());
    const auto after = star == hints.end() ? 0 : static_cast<std::size_t>(hints.end() - star - 1);
    for (std::size_t i = 0; i < count; ++i) {
        const int column = static_cast<int>(i);
        ColumnHint hint;
        if (i < before)
            hint = hints[i];
        else if (i + after >= count && after > 0)
            hint = hints[hints.size() - (count - i)];
        const char* declared = sqlite3_column_decltype(compiled, column);
        const char* name = sqlite3_column_name(compiled, column);
        SqlType type = SqlType::text;
        if (hint.type)
            type = *hint.type;
        else if (declared != nullptr)
            type = type_from_declared(declared);
        columns.push_back({hint.name.empty() ? std::string(name == nullptr ? "" : name) : hint.name,
                           static_cast<std::uint32_t>(type), type_bytes(type), 0});
    }
    return columns;
}

Engine::Status Engine::execute(const Execute& execute) {
    const auto found = portals_.find(execute.portal);
    if (found == portals_.end())
        return SqlError{sqlstate::bad_portal_name,
                        fmt::format("portal \"{}\" does not exist", execute.portal)};
    if (found->second.prepared->empty) {
        out_->empty_query_response();
        return std::nullopt;
    }
    // COMMIT and ROLLBACK end every portal, this one too: the statement must outlive it.
    if (!run_by_sqlite(found->second.prepared->statement.kind)) {
        Portal portal{found->second.prepared, {}, {}};
        return run_portal(portal, 0, false);
    }
    return run_portal(found->second, execute.row_limit, false);
}

void Engine::close(const Close& close) {
    if (close.target == Target::statement) {
        statements_.erase(close.name);
    } else if (const auto found = portals_.find(close.name); found != portals_.end()) {
        give_back(found->second);
        portals_.erase(found);
    }
    out_->close_complete();
}

Engine::Status Engine::admit(const Statement& statement) const {
    if (block_ != Block::failed) return std::nullopt;
    if (statement.kind == StatementKind::commit || statement.kind == StatementKind::rollback ||
        statement.kind == StatementKind::rollback_to)
        return std::nullopt;
    return SqlError{sqlstate::in_failed_transaction,
                    "current transaction is aborted, commands ignored until end of transaction block"};
}

Engine::Status Engine::run_portal(Portal& portal, std::int64_t row_limit, bool describe) {
    const Statement& statement = portal.prepared->statement;
    if (auto error = admit(statement)) return error;
    if (canceled_) return SqlError{sqlstate::query_canceled, "canceling statement due to user request"};
    if (statement.kind == StatementKind::set || statement.kind == StatementKind::show)
        return run_setting(statement, describe);
    if (!run_by_sqlite(statement.kind)) return run_transaction_statement(statement);
    const bool writes = sqlite3_stmt_readonly(portal.compiled.get()) == 0;
    if (writes && read_only_)
        return SqlError{sqlstate::read_only_transaction, "cannot execute this in a read-only transaction"};
    if (block_ == Block::none) {
        if (writes) {
            if (auto error = begin_write(Block::implicit)) return error;
        } else {
            read_clock();
        }
    }
    return step_rows(portal, row_limit, describe);
}

Engine::Status Engine::step_rows(Portal& portal, std::int64_t row_limit, bool describe) {
    sqlite3_stmt* compiled = portal.compiled.get();
    const Statement& statement = portal.prepared->statement;
    auto columns = columns_of(*portal.prepared, compiled);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].format = format_at(portal.formats, i);
    if (describe && !columns.empty()) out_->row_description(columns);
    std::int64_t rows = 0;
    std::vector<std::optional<std::string>> values(columns.size());
    portal.started = true;
    while (!portal.finished) {
        if (row_limit > 0 && rows == row_limit) {
            out_->portal_suspended();
            return std::nullopt;
        }
        const int code = sqlite3_step(compiled);
        if (code == SQLITE_DONE) {
            portal.finished = true;
            break;
        }
        if (code != SQLITE_ROW) {
            SqlError error = error_of(connection_.get(), code);
            sqlite3_reset(compiled);
            return error;
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
            values[i].reset();
            if (sqlite3_column_type(compiled, static_cast<int>(i)) == SQLITE_NULL) continue;
            auto value = wire_value(compiled, static_cast<int>(i), columns[i]);
            if (value.has_error()) {
                sqlite3_reset(compiled);
                return value.error();
            }
            values[i] = std::move(*value);
        }
        out_->data_row(values);
        ++rows;
        if (out_->size() > 64 * 1024 && !options_.send(out_->take())) {
            sqlite3_reset(compiled);
            return SqlError{"08006", "the client does not read", {}, true};
        }
    }
    const bool counts_changes = statement.kind != StatementKind::select && statement.counts_rows;
    const std::int64_t counted = counts_changes ? sqlite3_changes64(connection_.get()) : rows;
    sqlite3_reset(compiled);  // ends its read snapshot
    out_->command_complete(tag_of(statement, counted));
    return std::nullopt;
}

Engine::Status Engine::run_transaction_statement(const Statement& statement) {
    std::string tag = statement.tag;
    const bool in_block = block_ == Block::open || block_ == Block::failed;
    switch (statement.kind) {
        case StatementKind::begin:
            if (block_ == Block::open) {
                out_->notice("WARNING", "25001", "there is already a transaction in progress");
            } else if (block_ == Block::implicit) {
                block_ = Block::open;  // what the group has done so far becomes part of it
            } else if (statement.read_only) {
                if (auto error = simple("BEGIN")) return error;
                read_clock();
                block_ = Block::open;
                read_only_ = true;
            } else if (auto error = begin_write(Block::open)) {
                return error;
            }
            break;
        case StatementKind::commit:
        case StatementKind::rollback: {
            if (!in_block)
                out_->notice("WARNING", sqlstate::no_active_transaction,
                             "there is no transaction in progress");
            const bool commit = statement.kind == StatementKind::commit && block_ != Block::failed;
            if (!commit) tag = "ROLLBACK";
            if (block_ != Block::none)
                if (auto error = finish(commit)) return error;
            break;
        }
        case StatementKind::savepoint:
            if (!in_block)
                return SqlError{sqlstate::no_active_transaction,
                                "SAVEPOINT can only be used in transaction blocks"};
            if (auto error = simple(
                    ("SAVEPOINT " + to_sql(Token{TokenKind::quoted_identifier, statement.name, 0})).c_str()))
                return error;
            savepoints_.push_back(statement.name);
            break;
        default: {  // RELEASE and ROLLBACK TO
            const bool release = statement.kind == StatementKind::release;
            if (!in_block)
                return SqlError{sqlstate::no_active_transaction,
                                fmt::format("{} can only be used in transaction blocks",
                                            release ? "RELEASE SAVEPOINT" : "ROLLBACK TO SAVEPOINT")};
            const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), statement.name);
            if (found == savepoints_.rend())
                return SqlError{sqlstate::bad_savepoint,
                                fmt::format("savepoint \"{}\" does not exist", statement.name)};
            const std::string name = to_sql(Token{TokenKind::quoted_identifier, statement.name, 0});
            drop_portals();
            if (auto error = simple(((release ? "RELEASE " : "ROLLBACK TO ") + name).c_str())) return error;
            savepoints_.erase(release ? found.base() - 1 : found.base(), savepoints_.end());
            block_ = Block::open;
        }
    }
    out_->command_complete(tag);
    return std::nullopt;
}

Engine::Status Engine::run_setting(const Statement& statement, bool describe) {
    auto found = settings_.find(statement.name);
    if (found == settings_.end())
        return SqlError{statement.kind == StatementKind::show ? sqlstate::undefined_object
                                                              : sqlstate::feature_not_supported,
                        fmt::format("configuration parameter \"{}\" is not supported", statement.name)};
    if (statement.kind == StatementKind::show) {
        if (describe) out_->row_description({{statement.name, 25, -1, 0}});
        out_->data_row({found->second});
        out_->command_complete("SHOW");
        return std::nullopt;
    }
    std::string value = statement.value;
    std::string folded;
    for (const char c : value) folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    // What can't be changed may still be set to what it is.
    const bool free = statement.name == "application_name" || statement.name == "extra_float_digits" ||
                      statement.name == "client_min_messages";
    const bool same =
        (statement.name == "client_encoding" &&
         (folded == "utf8" || folded == "utf-8" || folded == "unicode")) ||
        (statement.name == "datestyle" && starts_with(folded, "iso")) ||
        (statement.name == "timezone" && (folded == "utc" || folded == "gmt" || folded == "etc/utc")) ||
        (statement.name == "standard_conforming_strings" && (folded == "on" || folded == "true")) ||
        statement.name == "transaction_isolation" || statement.name == "default_transaction_isolation" ||
        folded == "default" || value == found->second;
    if (!free && !same)
        return SqlError{sqlstate::feature_not_supported,
                        fmt::format("{} = \"{}\" is not supported", statement.name, value),
                        fmt::format("it is always \"{}\"", found->second)};
    if (free) found->second = value;
    if (statement.name == "application_name") out_->parameter_status(statement.name, value);
    out_->command_complete("SET");
    return std::nullopt;
}

Engine::Status Engine::begin_write(Block block) {
    const auto outcome = queue_.acquire(options_.lock_limit, canceled_);
    if (outcome == WriteQueue::Outcome::canceled)
        return SqlError{sqlstate::query_canceled, "canceling statement due to user request"};
    if (outcome == WriteQueue::Outcome::timed_out)
        return SqlError{sqlstate::lock_not_available,
                        fmt::format("canceling statement: other transactions write for more than {} ms",
                                    options_.lock_limit.count())};
    writing_ = true;
    if (auto error = simple("BEGIN IMMEDIATE")) {
        let_next_writer_in();
        return error;
    }
    block_ = block;
    read_clock();
    return std::nullopt;
}

Engine::Status Engine::finish(bool commit) {
    drop_portals();
    savepoints_.clear();
    read_only_ = false;
    block_ = Block::none;
    Status error;
    if (sqlite3_get_autocommit(connection_.get()) == 0) {
        if (commit) error = simple("COMMIT");
        if (sqlite3_get_autocommit(connection_.get()) == 0) simple("ROLLBACK");
    }
    let_next_writer_in();
    return error;
}

void Engine::fail() {
    if (block_ == Block::implicit) {
        finish(false);
    } else if (block_ == Block::open || block_ == Block::failed) {
        // Nothing of it can be saved any more: the next writer needn't wait for the client to say ROLLBACK.
        if (savepoints_.empty() || sqlite3_get_autocommit(connection_.get()) != 0) finish(false);
        block_ = Block::failed;
    }
}

void Engine::let_next_writer_in() {
    if (!writing_) return;
    writing_ = false;
    queue_.release();
}

Engine::Status Engine::simple(const char* sql) {
    auto compiled = compile(sql);
    if (compiled.has_error()) return compiled.error();
    const int code = sqlite3_step(compiled->get());
    if (code != SQLITE_DONE) return error_of(connection_.get(), code);
    return std::nullopt;
}

void Engine::drop_portals() {
    for (auto& [name, portal] : portals_) give_back(portal);
    portals_.clear();
}

void Engine::read_clock() {
    context_.now_unix_us = std::chrono::duration_cast<std::chrono::microseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
}

}  // namespace understudy::database
