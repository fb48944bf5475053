// SPDX-License-Identifier: Apache-2.0
// CREATE TABLE: PostgreSQL manual, SQL commands.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

const char* action_of(const char* code) {
    switch (code == nullptr ? 'a' : *code) {
        case 'r':
            return "RESTRICT";
        case 'c':
            return "CASCADE";
        case 'n':
            return "SET NULL";
        case 'd':
            return "SET DEFAULT";
        default:
            return "NO ACTION";
    }
}

std::string naming(const char* name) {
    return name == nullptr || *name == '\0' ? std::string() : fmt::format("CONSTRAINT {} ", quoted(name));
}

bool has_constraint(const PgQuery__ColumnDef& column, PgQuery__ConstrType type) {
    for (std::size_t i = 0; i < column.n_constraints; ++i)
        if (column.constraints[i]->constraint->contype == type) return true;
    return false;
}

}  // namespace

Statement Translator::create_table(const PgQuery__CreateStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "CREATE TABLE";
    if (node.n_inh_relations > 0) refuse("INHERITS");
    if (node.partspec != nullptr || node.partbound != nullptr) refuse("PARTITION BY");
    if (node.of_typename != nullptr) refuse("CREATE TABLE OF");
    if (node.oncommit > PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_PRESERVE_ROWS)
        refuse("ON COMMIT DROP or DELETE ROWS");
    const std::string name = node.relation->relname;
    const std::string schema = node.relation->schemaname == nullptr ? "" : node.relation->schemaname;
    if (!schema.empty() && schema != "public" && schema != "pg_temp")
        fail("3F000", "schema \"{}\" does not exist", schema);
    const bool temporary = *node.relation->relpersistence == 't' || schema == "pg_temp";
    // Checks and defaults use the columns by their names alone.
    Scope scope;
    scope.ranges.emplace_back();
    scope.ranges[0].alias = name;
    std::vector<const PgQuery__ColumnDef*> columns;
    std::vector<const PgQuery__Constraint*> constraints;
    std::vector<std::string> key;
    for (std::size_t i = 0; i < node.n_table_elts; ++i) {
        const PgQuery__Node& element = *node.table_elts[i];
        if (element.node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            for (const auto* other : columns)
                if (std::string_view(other->colname) == element.column_def->colname)
                    fail("42701", "column \"{}\" specified more than once", other->colname);
            columns.push_back(element.column_def);
            bool serial = false;
            scope.ranges[0].columns.push_back({element.column_def->colname,
                                               type_of(*element.column_def->type_name, &serial),
                                               quoted(element.column_def->colname)});
        } else if (element.node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            constraints.push_back(element.constraint);
            if (element.constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY)
                key = names_of(element.constraint->keys, element.constraint->n_keys);
        } else {
            refuse("LIKE in CREATE TABLE");
            return result;
        }
    }
    for (std::size_t i = 0; i < node.n_constraints; ++i)
        constraints.push_back(node.constraints[i]->constraint);
    std::string list;
    bool key_in_column = false;
    std::size_t keys = 0;
    for (const auto* column : columns) keys += has_constraint(*column, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY);
    for (const auto* constraint : constraints)
        keys += constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
    if (keys > 1) fail("42P16", "multiple primary keys for table \"{}\" are not allowed", name);
    for (const auto* column : columns) {
        const bool in_key = std::find(key.begin(), key.end(), column->colname) != key.end();
        auto definition = column_definition(*column, name, scope, in_key && key.size() == 1);
        if (in_key && key.size() > 1 && !has_constraint(*column, PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL))
            definition.sql += " NOT NULL";
        key_in_column = key_in_column || definition.primary;
        list += (list.empty() ? "" : ", ") + definition.sql;
    }
    for (const auto* constraint : constraints) {
        if (key_in_column && constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) continue;
        const std::string sql = table_constraint(*constraint, name, scope);
        if (!sql.empty()) list += ", " + sql;
    }
    if (columns.empty()) refuse("a table without columns");
    result.sql = fmt::format("CREATE {}TABLE {}{} ({})", temporary ? "TEMP " : "",
                             node.if_not_exists ? "IF NOT EXISTS " : "", quoted(name), list);
    if (node.if_not_exists && catalog_.find(schema, name) != nullptr) {
        result.notices.push_back({"42P07", fmt::format("relation \"{}\" already exists, skipping", name)});
        return result;
    }
    if (serials_.empty() && named_keys_.empty()) return result;
    const std::string table_sql = std::exchange(result.sql, {});
    for (const auto& serial : serials_)
        for (auto& sql : sequence_sql(serial.sequence, serial.rules, temporary))
            result.before.push_back(std::move(sql));
    result.before.push_back(table_sql);
    for (const auto& serial : serials_)
        result.before.push_back(own_sequence_sql(serial.sequence, name, serial.column));
    add_named_keys(name, result);
    run_last(result);
    return result;
}

// SQLite tells no constraint's name, but an index's can be found (sqlite_errors.cpp). It checks the latest
// index first, PostgreSQL the first one.
void Translator::add_named_keys(const std::string& table, Statement& result) {
    std::reverse(named_keys_.begin(), named_keys_.end());
    for (const auto& key : named_keys_)
        result.before.push_back(fmt::format("CREATE UNIQUE INDEX {} ON {} ({}) /*unique*/", quoted(key.name),
                                            quoted(table), quoted_list(key.columns)));
    named_keys_.clear();
}

Translator::ColumnDefinition Translator::column_definition(const PgQuery__ColumnDef& node,
                                                           const std::string& table, Scope& scope,
                                                           bool only_key, bool added) {
    bool serial = false;
    const Type type = type_of(*node.type_name, &serial);
    const bool key = only_key || has_constraint(node, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY);
    const bool identity = has_constraint(node, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY);
    ColumnDefinition result;
    result.primary = key;
    if (identity && !key) refuse("an identity column that is not the primary key");
    result.sql = quoted(node.colname) + " ";
    if (key && is_integer(type.type)) {
        // SQLite's row number, which needs no index of its own. The remark keeps its type
        // (schema_reader.cpp).
        result.sql += fmt::format("INTEGER /*{}{}*/ PRIMARY KEY", type_name(type.type),
                                  serial || identity ? " serial" : "");
        if (serial || identity) result.sql += " AUTOINCREMENT";
    } else {
        result.sql += declared_type(type);
        if (const auto collation = collation_of(type.type); !collation.empty())
            result.sql += fmt::format(" COLLATE {}", collation);
        if (key) result.sql += " PRIMARY KEY NOT NULL";
        if (serial) {
            if (has_constraint(node, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT))
                fail(sqlstate::syntax_error,
                     "multiple default values specified for column \"{}\" of table \"{}\"", node.colname,
                     table);
            result.sql += " NOT NULL DEFAULT " + serial_default(table, node.colname, type.type);
        }
    }
    for (std::size_t i = 0; i < node.n_constraints; ++i) {
        const auto& constraint = *node.constraints[i]->constraint;
        switch (constraint.contype) {
            case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
                if (!key) result.sql += " NOT NULL";
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT: {
                Scope nothing;
                const Expression value =
                    cast(expression_at(place::column_default, constraint.raw_expr, nothing), type,
                         CastContext::assignment);
                result.sql += fmt::format(" DEFAULT ({})", value.sql);
                break;
            }
            case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
                result.sql += fmt::format(" GENERATED ALWAYS AS ({}) STORED",
                                          cast(expression_at(place::generation, constraint.raw_expr, scope),
                                               type, CastContext::assignment)
                                              .sql);
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
                // SQLite adds no column with a key, but an index beside it.
                if (!naming(constraint.conname).empty())
                    named_keys_.push_back({constraint.conname, {node.colname}});
                else if (added)
                    named_keys_.push_back({fmt::format("{}_{}_key", table, node.colname), {node.colname}});
                else
                    result.sql += " UNIQUE";
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
                result.sql += " " + table_constraint(constraint, table + "_" + node.colname, scope);
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
                result.sql += " " + naming(constraint.conname) + references(constraint);
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
            case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
                if (i == 0 ||
                    node.constraints[i - 1]->constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN)
                    refuse("DEFERRABLE other than on a foreign key");
                break;
            case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
                refuse("EXCLUDE");
                break;
            default:
                break;  // NULL, PRIMARY KEY and IDENTITY are done
        }
    }
    return result;
}

std::string Translator::table_constraint(const PgQuery__Constraint& node, const std::string& table,
                                         Scope& scope) {
    // SQLite creates the table all the same, and finds fault with whatever comes next.
    const auto check_columns = [&](const std::vector<std::string>& columns, const char* where) {
        for (const auto& column : columns)
            if (find_column(scope, {}, column).has_error())
                fail(sqlstate::undefined_column, "column \"{}\" {} does not exist", column, where);
    };
    check_columns(names_of(node.keys, node.n_keys), "named in key");
    check_columns(names_of(node.fk_attrs, node.n_fk_attrs), "referenced in foreign key constraint");
    switch (node.contype) {
        case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
            return fmt::format("{}PRIMARY KEY ({})", naming(node.conname),
                               quoted_list(names_of(node.keys, node.n_keys)));
        case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
            if (node.nulls_not_distinct) refuse("NULLS NOT DISTINCT");
            if (node.deferrable) refuse("DEFERRABLE other than on a foreign key");
            if (!naming(node.conname).empty()) {
                named_keys_.push_back({node.conname, names_of(node.keys, node.n_keys)});
                return {};
            }
            return fmt::format("UNIQUE ({})", quoted_list(names_of(node.keys, node.n_keys)));
        case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: {
            // Its name is all that SQLite's error says: with the table's, split in sqlite_errors.cpp.
            const std::string name =
                node.conname != nullptr && *node.conname != '\0' ? node.conname : table + "_check";
            return fmt::format("CONSTRAINT {} CHECK ({})", quoted(scope.ranges[0].alias + ":" + name),
                               condition_at(place::check, node.raw_expr, scope, "CHECK").sql);
        }
        case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
            return fmt::format("{}FOREIGN KEY ({}) {}", naming(node.conname),
                               quoted_list(names_of(node.fk_attrs, node.n_fk_attrs)), references(node));
        default:
            refuse("this constraint");
            return {};
    }
}

std::string Translator::references(const PgQuery__Constraint& node) {
    auto names = names_of(node.pk_attrs, node.n_pk_attrs);
    if (names.empty())
        if (const Table* other = catalog_.find({}, node.pktable->relname)) names = other->primary_key;
    std::string sql = fmt::format("REFERENCES {}", quoted(node.pktable->relname));
    if (!names.empty()) sql += fmt::format(" ({})", quoted_list(names));
    sql += fmt::format(" ON DELETE {} ON UPDATE {}", action_of(node.fk_del_action),
                       action_of(node.fk_upd_action));
    if (node.deferrable) sql += node.initdeferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
    if (node.fk_matchtype != nullptr && *node.fk_matchtype == 'f') refuse("MATCH FULL");
    return sql;
}

}  // namespace understudy::database
