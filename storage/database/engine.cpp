// SPDX-License-Identifier: Apache-2.0
// Messages of the protocol: queries, prepared statements and portals (PostgreSQL manual chapter 55.2).
#include "storage/database/engine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::database {

bool run_by_sqlite(StatementKind kind) {
    return kind == StatementKind::select || kind == StatementKind::insert || kind == StatementKind::update ||
           kind == StatementKind::remove || kind == StatementKind::definition;
}

Engine::Engine(SqliteConnection connection, FunctionContext context, WriteQueue& queue, Operation& operation,
               Options options)
    : context_(std::move(context)),
      connection_(std::move(connection)),
      operation_(operation),
      options_(std::move(options)),
      schema_(connection_.get()),
      transaction_(connection_.get(), queue, operation, canceled_),
      lease_(connection_.get(), operation, context_.user) {
    context_.clock = options_.clock;
    context_.settings = &settings_.all();
    context_.interrupted = [this] { return check_progress() != 0; };
    context_.notify = [this](auto channel, auto payload) { return notify(channel, payload); };
    register_functions(connection_.get(), context_);
    sqlite3_progress_handler(
        connection_.get(), 1'000, [](void* engine) { return static_cast<Engine*>(engine)->check_progress(); },
        this);
}

Engine::~Engine() {
    copy_.reset();
    portals_.clear();
    statements_.clear();
}

void Engine::interrupt() {
    canceled_ = true;
    sqlite3_interrupt(connection_.get());
}

std::optional<SqlError> Engine::carry_out(const EngineAction& action, BackendWriter& out) {
    out_ = &out;
    canceled_ = timed_out_ = false;  // a cancel request that came too late is not for this one
    const auto limit = settings_.duration("statement_timeout");
    statement_deadline_ = limit.count() == 0 ? std::chrono::steady_clock::time_point::max()
                                             : std::chrono::steady_clock::now() + limit;
    auto error = std::visit(
        [&](const auto& item) -> Status {
            using Item = std::decay_t<decltype(item)>;
            if constexpr (std::is_same_v<Item, Query>) return run_query(item.sql);
            if constexpr (std::is_same_v<Item, Parse>) return parse(item);
            if constexpr (std::is_same_v<Item, Bind>) return bind(item);
            if constexpr (std::is_same_v<Item, Describe>) return describe(item);
            if constexpr (std::is_same_v<Item, Execute>) return execute(item);
            if constexpr (std::is_same_v<Item, Close>) close(item);
            if constexpr (std::is_same_v<Item, CopyData>) return copy_data(item.bytes);
            if constexpr (std::is_same_v<Item, CopyDone>) return end_copy();
            if constexpr (std::is_same_v<Item, CopyFail>)
                return SqlError{sqlstate::query_canceled, "COPY from stdin failed: " + item.reason};
            if constexpr (std::is_same_v<Item, Sync>) {
                return end_statements();
            }
            return std::nullopt;
        },
        action);
    if (!error) return std::nullopt;
    if (error->sqlstate == sqlstate::query_canceled && timed_out_)
        error->message = "canceling statement due to statement timeout";
    copy_.reset();
    query_.reset();
    transaction_.fail();
    // What a savepoint can bring back is kept until then.
    if (!transaction_.recoverable()) {
        drop_portals();
        end_cursors(false);
        notifications_.clear();
    }
    if (sqlite3_get_autocommit(connection_.get()) != 0) lease_.finished(false);  // rolled back, all of it
    if (!transaction_.open()) settings_.finish(false);
    return error;
}

Engine::Status Engine::run_query(const std::string& sql) {
    auto tree = ParseTree::parse(sql);
    if (tree.has_error()) return tree.error();
    if (tree->size() == 0) {
        out_->empty_query_response();
        return end_statements();
    }
    query_ = std::move(*tree);
    query_next_ = 0;
    query_text_ = sql;
    return run_statements();
}

Engine::Status Engine::run_statements() {
    while (query_ && query_next_ < query_->size()) {
        auto prepared = prepare(query_text_, &query_->statement(query_next_), {}, query_next_);
        ++query_next_;
        if (prepared.has_error()) return prepared.error();
        if (!(*prepared)->statement.parameters.empty()) return SqlError{"42P02", "there is no parameter $1"};
        Portal portal;
        portal.prepared = *prepared;
        if (auto error = run_portal(portal, 0, true)) return error;
        if (copy_) return std::nullopt;  // the rest waits for its rows
    }
    query_.reset();
    return end_statements();
}

Engine::Status Engine::admit(StatementKind kind) const {
    if (!transaction_.failed() || kind == StatementKind::commit || kind == StatementKind::rollback ||
        kind == StatementKind::rollback_to || kind == StatementKind::empty)
        return std::nullopt;
    return SqlError{sqlstate::in_failed_transaction,
                    "current transaction is aborted, commands ignored until end of transaction block"};
}

SqlResult<std::shared_ptr<Engine::Prepared>> Engine::prepare(std::string sql, const PgQuery__Node* node,
                                                             std::vector<SqlType> declared,
                                                             std::size_t index) {
    auto prepared = std::make_shared<Prepared>();
    prepared->sql = std::move(sql);
    prepared->declared = std::move(declared);
    if (node == nullptr) return prepared;
    // In a failed transaction nothing is looked up, but what ends it must be known.
    if (transaction_.failed() && node->node_case != PG_QUERY__NODE__NODE_TRANSACTION_STMT)
        return *admit(StatementKind::select);
    if (auto error = see_latest()) return *error;
    schema_.refresh();
    auto statement = translate(*node, schema_, prepared->declared);
    if (statement.has_error()) return statement.error();
    prepared->statement = std::move(*statement);
    prepared->index = index;
    prepared->schema_version = schema_.version();
    if (auto error = know_columns(prepared->statement)) return *error;
    if (auto error = admit(prepared->statement.kind)) return *error;
    return prepared;
}

Engine::Status Engine::parse(const Parse& parse) {
    if (!parse.statement.empty() && statements_.contains(parse.statement))
        return SqlError{sqlstate::duplicate_statement,
                        fmt::format("prepared statement \"{}\" already exists", parse.statement)};
    if (statements_.size() >= max_prepared_statements && !statements_.contains(parse.statement))
        return SqlError{sqlstate::limit_exceeded,
                        fmt::format("more than {} prepared statements", max_prepared_statements)};
    std::vector<SqlType> declared;
    for (const auto oid : parse.parameter_types) {
        const auto type = type_from_oid(oid);
        if (!type)
            return SqlError{
                sqlstate::feature_not_supported,
                fmt::format("parameter ${}: type with OID {} is not supported", declared.size() + 1, oid)};
        declared.push_back(*type);
    }
    auto tree = ParseTree::parse(parse.sql);
    if (tree.has_error()) return tree.error();
    if (tree->size() > 1)
        return SqlError{sqlstate::syntax_error, "cannot insert multiple commands into a prepared statement"};
    auto prepared =
        prepare(parse.sql, tree->size() == 0 ? nullptr : &tree->statement(0), std::move(declared));
    if (prepared.has_error()) return prepared.error();
    statements_[parse.statement] = std::move(*prepared);
    out_->parse_complete();
    return std::nullopt;
}

Engine::Status Engine::bind(const Bind& bind) {
    const auto found = statements_.find(bind.statement);
    if (found == statements_.end())
        return SqlError{sqlstate::bad_statement_name,
                        fmt::format("prepared statement \"{}\" does not exist", bind.statement)};
    const auto prepared = found->second;
    if (auto error = admit(prepared->statement.kind)) return error;
    if (auto error = keep_current(*prepared)) return error;
    const Statement& statement = prepared->statement;
    if (bind.parameters.size() != statement.parameters.size())
        return SqlError{
            sqlstate::protocol_violation,
            fmt::format("bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                        bind.parameters.size(), bind.statement, statement.parameters.size())};
    if (bind.result_formats.size() > 1 && bind.result_formats.size() != statement.columns.size())
        return SqlError{sqlstate::protocol_violation,
                        fmt::format("bind message has {} result formats but query has {} columns",
                                    bind.result_formats.size(), statement.columns.size())};
    if (auto old = portals_.find(bind.portal); old != portals_.end()) {
        if (!bind.portal.empty())
            return SqlError{sqlstate::duplicate_portal,
                            fmt::format("portal \"{}\" already exists", bind.portal)};
        give_back(old->second);
        portals_.erase(old);
    }
    if (portals_.size() >= max_portals)
        return SqlError{sqlstate::limit_exceeded, fmt::format("more than {} portals", max_portals)};
    Portal portal;
    portal.prepared = prepared;
    portal.formats = bind.result_formats;
    portal.opened = ++opened_;
    if (run_by_sqlite(statement.kind)) {
        portal.compiled = std::move(prepared->compiled);
        if (!portal.compiled) {
            auto compiled = compile(connection_.get(), statement.sql);
            if (compiled.has_error()) return compiled.error();
            portal.compiled = std::move(*compiled);
        }
        // More parameters may be declared than the statement uses.
        const int used = sqlite3_bind_parameter_count(portal.compiled.get());
        for (std::size_t i = 0; i < bind.parameters.size(); ++i) {
            if (!bind.parameters[i]) continue;
            const Type type{statement.parameters[i], -1};
            auto value = format_at(bind.parameter_formats, i) == 1 ? input_binary(type, *bind.parameters[i])
                                                                   : input_text(type, *bind.parameters[i]);
            if (value.has_error()) {
                give_back(portal);
                return value.error();
            }
            if (static_cast<int>(i) < used)
                database::bind(portal.compiled.get(), static_cast<int>(i + 1), *value);
        }
    }
    portals_[bind.portal] = std::move(portal);
    out_->bind_complete();
    return std::nullopt;
}

Engine::Status Engine::describe(const Describe& describe) {
    const Prepared* prepared = nullptr;
    std::vector<std::int16_t> formats;
    if (describe.target == Target::portal) {
        const auto found = portals_.find(describe.name);
        if (found == portals_.end())
            return SqlError{sqlstate::bad_portal_name,
                            fmt::format("portal \"{}\" does not exist", describe.name)};
        prepared = found->second.prepared.get();
        formats = found->second.formats;
    } else {
        const auto found = statements_.find(describe.name);
        if (found == statements_.end())
            return SqlError{sqlstate::bad_statement_name,
                            fmt::format("prepared statement \"{}\" does not exist", describe.name)};
        prepared = found->second.get();
        std::vector<std::uint32_t> types;
        for (const SqlType type : prepared->statement.parameters)
            types.push_back(static_cast<std::uint32_t>(type));
        out_->parameter_description(types);
    }
    const auto columns = describe_columns(prepared->statement, formats);
    if (columns.empty() && prepared->statement.kind != StatementKind::select)
        out_->no_data();
    else
        out_->row_description(columns);
    return std::nullopt;
}

Engine::Status Engine::execute(const Execute& execute) {
    const auto found = portals_.find(execute.portal);
    if (found == portals_.end())
        return SqlError{sqlstate::bad_portal_name,
                        fmt::format("portal \"{}\" does not exist", execute.portal)};
    executed_text_ = found->second.prepared->sql;
    // COMMIT and ROLLBACK end every portal, this one too: the statement must outlive it.
    if (!run_by_sqlite(found->second.prepared->statement.kind)) {
        Portal portal;
        portal.prepared = found->second.prepared;
        portal.formats = found->second.formats;
        return run_portal(portal, 0, false);
    }
    if (found->second.failed)
        return SqlError{"55000", fmt::format("portal \"{}\" cannot be run", execute.portal)};
    auto error = run_portal(found->second, execute.row_limit, false);
    if (error) found->second.failed = true;
    return error;
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

}  // namespace understudy::database
