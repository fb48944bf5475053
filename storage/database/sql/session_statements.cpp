// SPDX-License-Identifier: Apache-2.0
// Statements about the session rather than the data: transactions, settings, COPY.
#include "storage/database/core/ascii.hpp"
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

std::string value_of(const PgQuery__Node* node) {
    if (node == nullptr) return {};
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_A_CONST:
            switch (node->a_const->val_case) {
                case PG_QUERY__A__CONST__VAL_SVAL:
                    return node->a_const->sval->sval;
                case PG_QUERY__A__CONST__VAL_IVAL:
                    return std::to_string(node->a_const->ival->ival);
                case PG_QUERY__A__CONST__VAL_FVAL:
                    return node->a_const->fval->fval;
                case PG_QUERY__A__CONST__VAL_BOOLVAL:
                    return node->a_const->boolval->boolval ? "true" : "false";
                default:
                    return "0";
            }
        case PG_QUERY__NODE__NODE_STRING:
            return node->string->sval;
        case PG_QUERY__NODE__NODE_INTEGER:
            return std::to_string(node->integer->ival);
        case PG_QUERY__NODE__NODE_BOOLEAN:
            return node->boolean->boolval ? "true" : "false";
        case PG_QUERY__NODE__NODE_FLOAT:
            return node->float_->fval;
        case PG_QUERY__NODE__NODE_TYPE_CAST:
            return value_of(node->type_cast->arg);
        default:
            return {};
    }
}

bool is_true(const std::string& value) {
    return value.empty() || value == "true" || value == "on" || value == "1";
}

std::optional<Isolation> isolation_of(const std::string& name) {
    if (name == "read committed" || name == "read uncommitted") return Isolation::read_committed;
    if (name == "repeatable read") return Isolation::repeatable_read;
    if (name == "serializable") return Isolation::serializable;
    return std::nullopt;
}

void read_modes(PgQuery__Node* const* options, std::size_t count, Statement& statement) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto& option = *options[i]->def_elem;
        const std::string name = option.defname, value = value_of(option.arg);
        if (name == "transaction_isolation") statement.isolation = isolation_of(value);
        if (name == "transaction_read_only") statement.read_only = is_true(value);
    }
}

}  // namespace

Statement Translator::transaction(const PgQuery__TransactionStmt& node) {
    Statement result;
    if (node.savepoint_name != nullptr) result.name = node.savepoint_name;
    if (node.chain) refuse("AND CHAIN");
    switch (node.kind) {
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
            result.kind = StatementKind::begin;
            result.tag = node.kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN ? "BEGIN"
                                                                                        : "START TRANSACTION";
            read_modes(node.options, node.n_options, result);
            break;
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
            result.kind = StatementKind::commit;
            result.tag = "COMMIT";
            break;
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
            result.kind = StatementKind::rollback;
            result.tag = "ROLLBACK";
            break;
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
            result.kind = StatementKind::savepoint;
            result.tag = "SAVEPOINT";
            break;
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
            result.kind = StatementKind::release;
            result.tag = "RELEASE";
            break;
        case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
            result.kind = StatementKind::rollback_to;
            result.tag = "ROLLBACK";
            break;
        default:
            refuse("two-phase commit");
    }
    return result;
}

Statement Translator::set(const PgQuery__VariableSetStmt& node) {
    Statement result;
    result.kind = StatementKind::set;
    result.tag = "SET";
    result.name = folded(node.name == nullptr ? "" : node.name);
    switch (node.kind) {
        case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE:
            for (std::size_t i = 0; i < node.n_args; ++i)
                result.value += (i == 0 ? "" : ", ") + value_of(node.args[i]);
            break;
        case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI:
            // SET TRANSACTION, SET SESSION CHARACTERISTICS
            if (result.name != "transaction" && result.name != "session characteristics") refuse("this SET");
            read_modes(node.args, node.n_args, result);
            break;
        case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
            result.kind = StatementKind::reset;
            result.tag = "RESET";
            result.name.clear();
            break;
        case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
        case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
            result.kind = StatementKind::reset;
            result.tag = node.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET ? "RESET" : "SET";
            break;
        default:
            refuse("SET … FROM CURRENT");
    }
    return result;
}

Statement Translator::copy(const PgQuery__CopyStmt& node) {
    Statement result;
    result.kind = StatementKind::copy;
    result.tag = "COPY";
    result.counts_rows = true;
    CopyPlan& plan = result.copy;
    plan.from_client = node.is_from != 0;
    if (node.is_program || (node.filename != nullptr && *node.filename != '\0'))
        fail(sqlstate::insufficient_privilege,
             "COPY from or to a file or program of the server is not allowed");
    bool delimiter_given = false, null_given = false, quote_given = false, escape_given = false;
    for (std::size_t i = 0; i < node.n_options; ++i) {
        const auto& option = *node.options[i]->def_elem;
        const std::string name = option.defname, value = value_of(option.arg);
        if (name == "format") {
            plan.csv = value == "csv";
            if (value != "csv" && value != "text") refuse(fmt::format("COPY format \"{}\"", value));
        } else if (name == "delimiter" || name == "quote" || name == "escape") {
            if (value.size() != 1) fail("22023", "COPY {} must be a single one-byte character", name);
            (name == "delimiter" ? plan.delimiter
             : name == "quote"   ? plan.quote
                                 : plan.escape) = value.empty() ? ',' : value[0];
            (name == "delimiter" ? delimiter_given : name == "quote" ? quote_given : escape_given) = true;
        } else if (name == "null") {
            plan.null_text = value;
            null_given = true;
        } else if (name == "header") {
            plan.header = is_true(value);
        } else if (name == "encoding") {
            if (folded(value) != "utf8" && folded(value) != "utf-8")
                refuse(fmt::format("encoding \"{}\"", value));
        } else if (name != "freeze") {
            refuse(fmt::format("COPY option \"{}\"", name));
        }
    }
    if (plan.csv && !delimiter_given) plan.delimiter = ',';
    if (plan.csv && !null_given) plan.null_text.clear();
    if (!escape_given) plan.escape = plan.quote;
    if (quote_given && !plan.csv) fail("22023", "COPY quote available only in CSV mode");
    if (node.query != nullptr) {
        if (plan.from_client || node.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
            refuse("COPY of other than a table or SELECT");
            return result;
        }
        const Relation rows = select(*node.query->select_stmt, nullptr);
        if (locks_rows_) refuse("FOR UPDATE or nextval() in COPY");
        result.sql = rows.sql;
        plan.columns = rows.columns;
        return result;
    }
    const Table* copied = table(*node.relation, plan.from_client);
    if (copied == nullptr) return result;
    const auto names = names_of(node.attlist, node.n_attlist);
    std::string list, values;
    const auto add = [&](const TableColumn& column) {
        list += (list.empty() ? "" : ", ") + quoted(column.name);
        std::string value = fmt::format("?{}", plan.columns.size() + 1);
        if (column.row_number)
            value = fmt::format("understudy_not_null({}, {}, {})", value, sql_literal(Stored(column.name)),
                                sql_literal(Stored(copied->name)));
        values += (values.empty() ? "" : ", ") + value;
        plan.columns.push_back({column.name, column.type});
    };
    if (names.empty())
        for (const auto& column : copied->columns)
            if (!column.generated) add(column);
    for (const auto& name : names) {
        bool found = false;
        for (const auto& column : copied->columns)
            if (column.name == name) {
                add(column);
                found = true;
            }
        if (!found)
            fail(sqlstate::undefined_column, "column \"{}\" of relation \"{}\" does not exist", name,
                 copied->name);
    }
    if (node.where_clause != nullptr) refuse("COPY … WHERE");
    result.sql = plan.from_client ? fmt::format("INSERT INTO {} ({}) VALUES ({})", copied->sql, list, values)
                                  : fmt::format("SELECT {} FROM {}", list, copied->sql);
    return result;
}

}  // namespace understudy::database
