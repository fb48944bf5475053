// SPDX-License-Identifier: Apache-2.0
// Statements about the session itself: transactions, settings, prepared statements and cursors.
#include <fmt/format.h>

#include "storage/database/engine.hpp"

namespace understudy::database {
namespace {

const char* name_of(Isolation isolation) {
    switch (isolation) {
        case Isolation::read_committed:
            return "read committed";
        case Isolation::repeatable_read:
            return "repeatable read";
        default:
            return "serializable";
    }
}

Isolation isolation_from(const std::string& name) {
    if (name == "repeatable read") return Isolation::repeatable_read;
    return name == "serializable" ? Isolation::serializable : Isolation::read_committed;
}

}  // namespace

Engine::Status Engine::listen(PendingNotifications::Action action) {
    transaction_.join();
    return notifications_.act(std::move(action));
}

Engine::Status Engine::notify(std::string_view channel, std::string_view payload) {
    transaction_.join();
    return notifications_.notify(std::string(channel), std::string(payload));
}

Engine::Status Engine::run_session_statement(const Statement& statement, bool describe) {
    switch (statement.kind) {
        case StatementKind::set:
            if (statement.name == "transaction") {
                transaction_.set_modes(statement.isolation, statement.read_only);
            } else if (statement.name == "session characteristics") {
                if (statement.isolation)
                    settings_.set("default_transaction_isolation", name_of(*statement.isolation));
            } else if (statement.name == "transaction_isolation") {
                transaction_.set_modes(isolation_from(statement.value), false);
            } else {
                if (auto error = settings_.set(statement.name, statement.value)) return error;
                if (statement.name == "application_name")
                    out_->parameter_status(statement.name, statement.value);
            }
            break;
        case StatementKind::reset:
            if (statement.tag == "DISCARD ALL" && transaction_.open())
                return SqlError{"25001", "DISCARD ALL cannot run inside a transaction block"};
            if (auto error = settings_.reset(statement.name)) return error;
            if (statement.tag == "DISCARD ALL") {
                if (auto error = listen(PendingNotifications::UnlistenAll{})) return error;
                drop_portals();
                cursors_.clear();
                statements_.clear();
            }
            break;
        case StatementKind::listen:
            if (auto error = listen(PendingNotifications::Listen{statement.name})) return error;
            break;
        case StatementKind::unlisten:
            if (auto error = statement.name.empty() ? listen(PendingNotifications::UnlistenAll{})
                                                    : listen(PendingNotifications::Unlisten{statement.name}))
                return error;
            break;
        case StatementKind::notify:
            if (auto error = notify(statement.name, statement.value)) return error;
            break;
        case StatementKind::show: {
            auto value = statement.name == "transaction_isolation"
                             ? SqlResult<std::string>(std::string(name_of(transaction_.isolation())))
                             : settings_.show(statement.name);
            if (value.has_error()) return value.error();
            if (describe) out_->row_description(describe_columns(statement, {}));
            out_->data_row({*value});
            break;
        }
        case StatementKind::deallocate:
            if (!statement.name.empty() && statements_.erase(statement.name) == 0)
                return SqlError{sqlstate::bad_statement_name,
                                fmt::format("prepared statement \"{}\" does not exist", statement.name)};
            if (statement.name.empty()) statements_.clear();
            break;
        case StatementKind::close:
            if (statement.name.empty()) {
                drop_portals();
                cursors_.clear();
            } else if (cursors_.erase(statement.name) > 0) {
            } else if (const auto found = portals_.find(statement.name); found != portals_.end()) {
                give_back(found->second);
                portals_.erase(found);
            } else {
                return SqlError{sqlstate::bad_portal_name,
                                fmt::format("cursor \"{}\" does not exist", statement.name)};
            }
            break;
        default:
            if (statement.locks_rows) {
                if (!transaction_.open())
                    return SqlError{sqlstate::no_active_transaction,
                                    "LOCK TABLE can only be used in transaction blocks"};
                if (auto error = hold_open_portals()) return error;
                if (auto error = transaction_.before_write(lock_limit(), statement.tag)) return error;
            }
    }
    out_->command_complete(statement.tag);
    return std::nullopt;
}

Engine::Status Engine::run_transaction_statement(const Statement& statement) {
    std::string tag = statement.tag;
    Status error;
    switch (statement.kind) {
        case StatementKind::begin:
            if (transaction_.open()) {
                out_->notice("WARNING", "25001", "there is already a transaction in progress");
                break;
            }
            start_clock();
            settings_.begin();
            transaction_.begin(statement.isolation.value_or(
                                   isolation_from(*settings_.show("default_transaction_isolation"))),
                               statement.read_only);
            break;
        case StatementKind::commit:
        case StatementKind::rollback: {
            if (!transaction_.open())
                out_->notice("WARNING", sqlstate::no_active_transaction,
                             "there is no transaction in progress");
            const bool commit = statement.kind == StatementKind::commit && !transaction_.failed();
            if (!commit) tag = "ROLLBACK";
            if (!transaction_.none()) error = finish(commit);
            break;
        }
        case StatementKind::savepoint:
            error = transaction_.savepoint(statement.name);
            if (!error) lease_.savepoint(statement.name);
            if (!error) notifications_.savepoint(statement.name);
            if (!error) opened_by_savepoint_.set(statement.name, opened_);
            break;
        case StatementKind::release:
            error = transaction_.release(statement.name);
            if (!error) lease_.release(statement.name);
            if (!error) notifications_.release(statement.name);
            if (!error) opened_by_savepoint_.release(statement.name);
            break;
        default:
            error = roll_back_to(statement.name);
    }
    if (error) return error;
    out_->command_complete(tag);
    return std::nullopt;
}

}  // namespace understudy::database
