// SPDX-License-Identifier: Apache-2.0
// ALTER TABLE: PostgreSQL manual, SQL commands.
#include "storage/database/sql/translator.hpp"

namespace understudy::database {

void Translator::drop_column(const Table& table, const std::string& name, bool cascade, Statement& result) {
    // The sequences that it owns stop being so first: SQLite drops no column that a trigger names.
    for (auto& sql : drop_owned(table, &name, {table.name}, cascade)) result.before.push_back(std::move(sql));
    result.before.push_back(fmt::format("ALTER TABLE {} DROP COLUMN {}", table.sql, quoted(name)));
}

Statement Translator::alter_table(const PgQuery__AlterTableStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "ALTER TABLE";
    if (node.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) refuse("ALTER of other than a table");
    const std::string name = node.relation->relname;
    if (node.missing_ok && catalog_.find({}, name) == nullptr) {
        result.kind = StatementKind::nothing;
        result.notices.push_back({"00000", fmt::format("relation \"{}\" does not exist, skipping", name)});
        return result;
    }
    const Table* changed = table(*node.relation, true);
    if (changed == nullptr) return result;
    Scope scope = table_scope(*changed, *node.relation, false);
    for (std::size_t i = 0; i < node.n_cmds; ++i) {
        const auto& command = *node.cmds[i]->alter_table_cmd;
        switch (command.subtype) {
            case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn: {
                const auto& column = *command.def->column_def;
                const bool exists = find_column(scope, {}, column.colname).has_value();
                if (exists && command.missing_ok) {
                    result.notices.push_back(
                        {"00000", fmt::format("column \"{}\" of relation \"{}\" already exists, skipping",
                                              column.colname, name)});
                    break;
                }
                if (exists)
                    fail("42701", "column \"{}\" of relation \"{}\" already exists", column.colname, name);
                // A check of it may name it.
                bool serial = false;
                scope.ranges[0].columns.push_back(
                    {column.colname, type_of(*column.type_name, &serial), quoted(column.colname)});
                const auto definition = column_definition(column, name, scope, false, true);
                if (!serials_.empty()) refuse("a serial column in ADD COLUMN");
                if (definition.primary) refuse("a primary key in ADD COLUMN");
                result.before.push_back(
                    fmt::format("ALTER TABLE {} ADD COLUMN {}", changed->sql, definition.sql));
                add_named_keys(name, result);
                break;
            }
            case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
                if (find_column(scope, {}, command.name).has_error()) {
                    if (!command.missing_ok)
                        fail(sqlstate::undefined_column, "column \"{}\" of relation \"{}\" does not exist",
                             command.name, name);
                    break;
                }
                drop_column(*changed, command.name, command.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE,
                            result);
                break;
            case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint: {
                const auto& constraint = *command.def->constraint;
                const auto keys = names_of(constraint.keys, constraint.n_keys);
                const bool primary = constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
                if (!primary && constraint.contype != PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE) {
                    refuse("ADD CONSTRAINT of other than a primary key or UNIQUE");
                    break;
                }
                if (primary && !changed->primary_key.empty())
                    fail("42P16", "multiple primary keys for table \"{}\" are not allowed", name);
                std::string index = constraint.conname == nullptr ? "" : constraint.conname;
                if (index.empty()) {
                    index = name;
                    if (!primary)
                        for (const auto& key : keys) index += "_" + key;
                    index += primary ? "_pkey" : "_key";
                }
                for (const auto& key : keys)
                    if (find_column(scope, {}, key).has_error())
                        fail(sqlstate::undefined_column, "column \"{}\" named in key does not exist", key);
                // SQLite can't add a key to a table: a unique index is one but for NULLs, which triggers keep
                // out.
                result.before.push_back(fmt::format("CREATE UNIQUE INDEX {} ON {} ({}){}", quoted(index),
                                                    changed->sql, quoted_list(keys),
                                                    primary ? " /*primary key*/" : " /*unique*/"));
                for (const auto& key : primary ? keys : std::vector<std::string>())
                    for (const char* event : {"INSERT", "UPDATE"})
                        result.before.push_back(fmt::format(
                            "CREATE TRIGGER {} BEFORE {} ON {} WHEN NEW.{} IS NULL BEGIN SELECT RAISE(ABORT, "
                            "{}); END",
                            quoted(fmt::format("{}_{}_{}", index, key, event)), event, changed->sql,
                            quoted(key),
                            sql_literal(
                                Stored(fmt::format("SQLSTATE:23502:null value in column \"{}\" of relation "
                                                   "\"{}\" violates not-null constraint",
                                                   key, name)))));
                break;
            }
            case PG_QUERY__ALTER_TABLE_TYPE__AT_SetLogged:
            case PG_QUERY__ALTER_TABLE_TYPE__AT_SetUnLogged:
            case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
            case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics:
                break;  // nothing to change here
            default:
                refuse("this kind of ALTER TABLE");
        }
    }
    if (result.before.empty()) result.kind = StatementKind::nothing;
    run_last(result);
    return result;
}

std::string Translator::rename_column(const Table& changed, const PgQuery__RenameStmt& node) {
    if (changed.kind == Table::Kind::view) refuse("RENAME of a view's column");
    const Scope scope = table_scope(changed, *node.relation, false);
    if (find_column(scope, {}, node.subname).has_error())
        fail(sqlstate::undefined_column, "column \"{}\" does not exist", node.subname);
    if (find_column(scope, {}, node.newname).has_value())
        fail("42701", "column \"{}\" of relation \"{}\" already exists", node.newname, changed.name);
    return fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}", changed.sql, quoted(node.subname),
                       quoted(node.newname));
}

Statement Translator::rename(const PgQuery__RenameStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "ALTER TABLE";
    if (node.relation == nullptr) {
        refuse("this kind of RENAME");
        return result;
    }
    const Table* changed = table(*node.relation, true);
    if (changed == nullptr) return result;
    if (changed->kind == Table::Kind::sequence) refuse("RENAME of a sequence");  // defaults name it
    if (node.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE && catalog_.find({}, node.newname) != nullptr)
        fail(sqlstate::duplicate_table, "relation \"{}\" already exists", node.newname);
    if (node.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE)
        result.sql = fmt::format("ALTER TABLE {} RENAME TO {}", changed->sql, quoted(node.newname));
    else if (node.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN)
        result.sql = rename_column(*changed, node);
    else
        refuse("this kind of RENAME");
    return result;
}

}  // namespace understudy::database
