// SPDX-License-Identifier: Apache-2.0
// Statements about a statement: PREPARE, EXECUTE, DECLARE, FETCH, MOVE and EXPLAIN (PostgreSQL manual, SQL
// commands).
#include <limits>

#include "storage/database/sql/translate.hpp"
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

bool can_be_explained(StatementKind kind) {
    return kind == StatementKind::select || kind == StatementKind::insert || kind == StatementKind::update ||
           kind == StatementKind::remove;
}

std::string option_text(const PgQuery__Node* node) {
    if (node == nullptr) return "true";
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_STRING:
            return node->string->sval;
        case PG_QUERY__NODE__NODE_BOOLEAN:
            return node->boolean->boolval ? "true" : "false";
        case PG_QUERY__NODE__NODE_INTEGER:
            return node->integer->ival != 0 ? "true" : "false";
        default:
            return {};
    }
}

}  // namespace

const PgQuery__Node* inner_statement(const PgQuery__Node& node) {
    switch (node.node_case) {
        case PG_QUERY__NODE__NODE_PREPARE_STMT:
            return node.prepare_stmt->query;
        case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
            return node.declare_cursor_stmt->query;
        case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
            return node.explain_stmt->query;
        default:
            return nullptr;
    }
}

Statement Translator::about_statement(const PgQuery__Node& node, StatementKind kind, const char* tag,
                                      const std::vector<SqlType>& declared) {
    Statement result;
    result.kind = kind;
    result.tag = tag;
    const PgQuery__Node* query = inner_statement(node);
    if (query == nullptr) {
        refuse(fmt::format("{} of this statement", tag));
        return result;
    }
    auto inner = translate(*query, catalog_, declared);
    if (inner.has_error()) {
        if (!error_) error_ = inner.error();
        return result;
    }
    result.inner = std::make_shared<const Statement>(std::move(*inner));
    return result;
}

Statement Translator::prepare_statement(const PgQuery__Node& node) {
    std::vector<SqlType> declared;
    const auto& prepare = *node.prepare_stmt;
    for (std::size_t i = 0; i < prepare.n_argtypes; ++i)
        declared.push_back(type_of(*prepare.argtypes[i]->type_name).type);
    Statement result = about_statement(node, StatementKind::prepare, "PREPARE", declared);
    result.name = prepare.name;
    result.declared = declared;
    if (result.inner && !can_be_explained(result.inner->kind)) refuse("PREPARE of this statement");
    return result;
}

// Values are converted to the parameters' types when the statement is known: where it is run.
Statement Translator::execute_statement(const PgQuery__ExecuteStmt& node) {
    Statement result;
    result.kind = StatementKind::execute;
    result.tag = "EXECUTE";
    result.name = node.name;
    Scope nothing;
    for (const auto& value : expressions(node.params, node.n_params, nothing)) {
        result.sql += (result.sql.empty() ? "SELECT " : ", ") + value.sql;
        result.columns.push_back({value.name, value.literal ? Type{} : value.type});
        if (value.parameter > 0) refuse("a parameter in EXECUTE");
    }
    if (locks_rows_) refuse("nextval() in EXECUTE");
    std::swap(result.columns, result.arguments);
    return result;
}

Statement Translator::declare_cursor(const PgQuery__Node& node) {
    // CURSOR_OPT_… of parsenodes.h
    constexpr int binary = 0x1, no_scroll = 0x4, hold = 0x20;
    const auto& declare = *node.declare_cursor_stmt;
    Statement result = about_statement(node, StatementKind::declare, "DECLARE CURSOR", {});
    result.name = declare.portalname;
    result.forward_only = (declare.options & no_scroll) != 0;
    result.hold = (declare.options & hold) != 0;
    if ((declare.options & binary) != 0) refuse("BINARY cursors");
    if (result.inner && result.inner->kind != StatementKind::select) refuse("DECLARE of other than a SELECT");
    if (result.inner && !result.inner->parameters.empty()) refuse("a parameter in DECLARE");
    if (result.inner && result.hold && result.inner->locks_rows)
        refuse("DECLARE CURSOR WITH HOLD ... FOR UPDATE");
    return result;
}

Statement Translator::fetch(const PgQuery__FetchStmt& node) {
    Statement result;
    result.kind = StatementKind::fetch;
    result.tag = node.ismove ? "MOVE" : "FETCH";
    result.name = node.portalname;
    result.moves_only = node.ismove;
    result.fetch_count = node.how_many;
    switch (node.direction) {
        case PG_QUERY__FETCH_DIRECTION__FETCH_BACKWARD:
            result.direction = FetchDirection::backward;
            break;
        case PG_QUERY__FETCH_DIRECTION__FETCH_ABSOLUTE:
            result.direction = FetchDirection::absolute;
            break;
        case PG_QUERY__FETCH_DIRECTION__FETCH_RELATIVE:
            result.direction = FetchDirection::relative;
            break;
        default:
            result.direction = FetchDirection::forward;
    }
    return result;
}

Statement Translator::explain(const PgQuery__Node& node) {
    Statement result = about_statement(node, StatementKind::explain, "EXPLAIN", {});
    const auto& options = *node.explain_stmt;
    for (std::size_t i = 0; i < options.n_options; ++i) {
        const auto& option = *options.options[i]->def_elem;
        const std::string name = option.defname, value = option_text(option.arg);
        if (name == "analyze")
            result.analyze = value != "false" && value != "off";
        else if (name == "format" ? value != "text"
                                  : name == "buffers" || name == "wal" || name == "settings")
            refuse(fmt::format("EXPLAIN ({} {})", name, value));
    }
    result.columns = {{"QUERY PLAN", {SqlType::text, -1}}};
    if (!result.inner) return result;
    if (!can_be_explained(result.inner->kind) || !result.inner->before.empty())
        refuse("EXPLAIN of this statement");
    if (!result.inner->parameters.empty()) refuse("a parameter in EXPLAIN");
    return result;
}

}  // namespace understudy::database
