// SPDX-License-Identifier: Apache-2.0
// DROP and TRUNCATE: PostgreSQL manual, SQL commands.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

const char* name_of(Table::Kind kind) {
    return kind == Table::Kind::view ? "view" : kind == Table::Kind::sequence ? "sequence" : "table";
}

}  // namespace

void run_last(Statement& statement) {
    if (statement.before.empty()) return;
    statement.sql = statement.before.back();
    statement.before.pop_back();
}

// The views that have to go before it: SQLite would leave them behind, of no use.
void Translator::drop_relation(const std::string& name, const std::vector<std::string>& all, bool cascade,
                               std::vector<std::string>& views) {
    for (const auto& view : catalog_.views_on(name)) {
        const bool goes_anyway = std::find(all.begin(), all.end(), view) != all.end();
        if (goes_anyway || std::find(views.begin(), views.end(), view) != views.end()) continue;
        if (!cascade) {
            const Table* dropped = catalog_.find({}, name);
            fail_with({"2BP01",
                       fmt::format("cannot drop {} {} because other objects depend on it",
                                   name_of(dropped == nullptr ? Table::Kind::table : dropped->kind), name),
                       "Use DROP ... CASCADE to drop the dependent objects too."});
            return;
        }
        views.push_back(view);
        drop_relation(view, all, cascade, views);
    }
}

Statement Translator::drop(const PgQuery__DropStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    const bool is_index = node.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX;
    Table::Kind wanted = Table::Kind::table;
    if (node.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW) {
        wanted = Table::Kind::view;
    } else if (node.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE) {
        wanted = Table::Kind::sequence;
    } else if (!is_index && node.remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
        refuse("DROP of other than tables, views, sequences and indexes");
        return result;
    }
    result.tag = is_index                          ? "DROP INDEX"
                 : wanted == Table::Kind::view     ? "DROP VIEW"
                 : wanted == Table::Kind::sequence ? "DROP SEQUENCE"
                                                   : "DROP TABLE";
    const bool cascade = node.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    std::vector<std::string> all, views;
    for (std::size_t i = 0; i < node.n_objects; ++i) {
        if (node.objects[i]->node_case != PG_QUERY__NODE__NODE_LIST) continue;
        const auto names = names_of(node.objects[i]->list->items, node.objects[i]->list->n_items);
        const std::string schema = names.size() > 1 ? names[names.size() - 2] : std::string();
        if (is_index) {
            if (const std::string table = catalog_.constrained_by(names.back()); !table.empty())
                fail("2BP01", "cannot drop index {0} because constraint {0} on table {1} requires it",
                     names.back(), table);
            result.before.push_back(
                fmt::format("DROP INDEX {}{}", node.missing_ok ? "IF EXISTS " : "", quoted(names.back())));
            continue;
        }
        const Table* dropped = catalog_.find(schema, names.back());
        if (dropped == nullptr && !node.missing_ok)
            fail(sqlstate::undefined_table, "{} \"{}\" does not exist", name_of(wanted), names.back());
        if (dropped == nullptr) {
            result.notices.push_back(
                {"00000", fmt::format("{} \"{}\" does not exist, skipping", name_of(wanted), names.back())});
            continue;
        }
        if (!dropped->writable)
            fail(sqlstate::insufficient_privilege, "permission denied: \"{}\" is a system catalog",
                 names.back());
        if (dropped->kind != wanted) fail("42809", "\"{}\" is not a {}", names.back(), name_of(wanted));
        if (wanted == Table::Kind::sequence && catalog_.is_default(names.back(), {})) {
            if (cascade) refuse("DROP SEQUENCE … CASCADE that takes defaults away");
            fail("2BP01", "cannot drop sequence {} because other objects depend on it", names.back());
        }
        all.push_back(names.back());
    }
    for (const auto& name : all) drop_relation(name, all, cascade, views);
    if (!views.empty())
        result.notices.push_back(
            {"00000", views.size() == 1 ? fmt::format("drop cascades to view {}", views[0])
                                        : fmt::format("drop cascades to {} other objects", views.size())});
    for (const auto& view : views) result.before.push_back("DROP VIEW " + quoted(view));
    for (const auto& name : all) {
        if (wanted == Table::Kind::sequence) result.before.push_back(disown_sequence_sql(name));
        if (const Table* table = catalog_.find({}, name); table != nullptr)
            for (auto& sql : drop_owned(*table, nullptr, all, cascade))
                result.before.push_back(std::move(sql));
        result.before.push_back(
            fmt::format("DROP {} {}", wanted == Table::Kind::view ? "VIEW" : "TABLE", quoted(name)));
    }
    if (result.before.empty()) result.kind = StatementKind::nothing;
    run_last(result);
    return result;
}

Statement Translator::truncate(const PgQuery__TruncateStmt& node) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = "TRUNCATE TABLE";
    for (std::size_t i = 0; i < node.n_relations; ++i) {
        const Table* emptied = table(*node.relations[i]->range_var, true);
        if (emptied == nullptr) return result;
        if (node.restart_seqs)
            result.before.push_back(fmt::format("DELETE FROM sqlite_sequence WHERE name = {}",
                                                sql_literal(Stored(emptied->name))));
        for (const auto& [sequence, column] : emptied->owned)
            if (node.restart_seqs)
                result.before.push_back(
                    fmt::format("UPDATE {} SET last_value = start_value, is_called = 0", quoted(sequence)));
        result.before.push_back(fmt::format("DELETE FROM {}", emptied->sql));
    }
    run_last(result);
    return result;
}

}  // namespace understudy::database
