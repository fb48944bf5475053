// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/translate.hpp"

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

Statement nothing_to_do(const char* tag) {
    Statement result;
    result.kind = StatementKind::nothing;
    result.tag = tag;
    return result;
}

}  // namespace

SqlResult<Statement> Translator::run(const PgQuery__Node& node) {
    Statement result;
    switch (node.node_case) {
        case PG_QUERY__NODE__NODE_SELECT_STMT: {
            const Relation rows = select(*node.select_stmt, nullptr);
            result.kind = StatementKind::select;
            result.tag = "SELECT";
            result.counts_rows = true;
            result.sql = rows.sql;
            result.columns = rows.columns;
            result.locks_rows = locks_rows_;
            break;
        }
        case PG_QUERY__NODE__NODE_INSERT_STMT:
            result = insert(*node.insert_stmt);
            break;
        case PG_QUERY__NODE__NODE_UPDATE_STMT:
            result = update(*node.update_stmt);
            break;
        case PG_QUERY__NODE__NODE_DELETE_STMT:
            result = remove(*node.delete_stmt);
            break;
        case PG_QUERY__NODE__NODE_CREATE_STMT:
            result = create_table(*node.create_stmt);
            break;
        case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
            result = create_table_as(*node.create_table_as_stmt);
            break;
        case PG_QUERY__NODE__NODE_INDEX_STMT:
            result = create_index(*node.index_stmt);
            break;
        case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
            result = alter_table(*node.alter_table_stmt);
            break;
        case PG_QUERY__NODE__NODE_RENAME_STMT:
            result = rename(*node.rename_stmt);
            break;
        case PG_QUERY__NODE__NODE_DROP_STMT:
            result = drop(*node.drop_stmt);
            break;
        case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
            result = truncate(*node.truncate_stmt);
            break;
        case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
            result = transaction(*node.transaction_stmt);
            break;
        case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
            result = set(*node.variable_set_stmt);
            break;
        case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
            result.kind = StatementKind::show;
            result.tag = "SHOW";
            result.name = node.variable_show_stmt->name;
            if (result.name == "all") refuse("SHOW ALL");
            result.columns = {{result.name, {SqlType::text, -1}}};
            break;
        case PG_QUERY__NODE__NODE_COPY_STMT:
            result = copy(*node.copy_stmt);
            break;
        case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
            result.kind = StatementKind::deallocate;
            result.tag = "DEALLOCATE";
            if (node.deallocate_stmt->name != nullptr) result.name = node.deallocate_stmt->name;
            if (result.name.empty()) result.tag = "DEALLOCATE ALL";
            break;
        case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
            result.kind = StatementKind::close;
            result.tag = "CLOSE CURSOR";
            if (node.close_portal_stmt->portalname != nullptr)
                result.name = node.close_portal_stmt->portalname;
            if (result.name.empty()) result.tag = "CLOSE CURSOR ALL";
            break;
        case PG_QUERY__NODE__NODE_DISCARD_STMT:
            result.kind = StatementKind::reset;
            result.tag =
                node.discard_stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_ALL ? "DISCARD ALL" : "DISCARD";
            break;
        // What these ask for is so already, or changes nothing that a client could see.
        case PG_QUERY__NODE__NODE_VACUUM_STMT:
            result = nothing_to_do(node.vacuum_stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE");
            break;
        case PG_QUERY__NODE__NODE_LOCK_STMT:
            result = nothing_to_do("LOCK TABLE");
            result.locks_rows = true;
            break;
        case PG_QUERY__NODE__NODE_CHECK_POINT_STMT:
            result = nothing_to_do("CHECKPOINT");
            break;
        case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
            result.kind = StatementKind::unlisten;
            result.tag = "UNLISTEN";
            if (node.unlisten_stmt->conditionname != nullptr) result.name = node.unlisten_stmt->conditionname;
            break;
        case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
            result = explain(node);
            break;
        case PG_QUERY__NODE__NODE_VIEW_STMT:
            result = create_view(*node.view_stmt);
            break;
        case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
            result = create_sequence(*node.create_seq_stmt);
            break;
        case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
            result = alter_sequence(*node.alter_seq_stmt);
            break;
        case PG_QUERY__NODE__NODE_PREPARE_STMT:
            result = prepare_statement(node);
            break;
        case PG_QUERY__NODE__NODE_EXECUTE_STMT:
            result = execute_statement(*node.execute_stmt);
            break;
        case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
            result = declare_cursor(node);
            break;
        case PG_QUERY__NODE__NODE_FETCH_STMT:
            result = fetch(*node.fetch_stmt);
            break;
        case PG_QUERY__NODE__NODE_LISTEN_STMT:
            result.kind = StatementKind::listen;
            result.tag = "LISTEN";
            result.name = node.listen_stmt->conditionname;
            break;
        case PG_QUERY__NODE__NODE_NOTIFY_STMT:
            result.kind = StatementKind::notify;
            result.tag = "NOTIFY";
            result.name = node.notify_stmt->conditionname;
            if (node.notify_stmt->payload != nullptr) result.value = node.notify_stmt->payload;
            break;
        case PG_QUERY__NODE__NODE_MERGE_STMT:
            refuse("MERGE");
            break;
        default:
            refuse("this kind of statement");
    }
    if (error_) return *error_;
    for (auto& type : parameters_)
        if (type == SqlType::unknown) type = SqlType::text;
    result.parameters = parameters_;
    return result;
}

SqlResult<Statement> translate(const PgQuery__Node& statement, const Catalog& catalog,
                               const std::vector<SqlType>& declared) {
    return Translator(catalog, declared).run(statement);
}

}  // namespace understudy::database
