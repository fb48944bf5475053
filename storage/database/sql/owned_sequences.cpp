// SPDX-License-Identifier: Apache-2.0
// Sequences that belong to a column: a serial's, and OWNED BY (PostgreSQL manual, CREATE SEQUENCE and chapter
// 8.1.4). Who owns a sequence is kept by a trigger on the owner that never fires: SQLite renames in it what
// is renamed, and drops it with its table.
#include <algorithm>

#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t max_name_bytes = 63;

std::string clipped(const std::string& text, std::size_t bytes) {
    std::size_t end = std::min(text.size(), bytes);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

// As PostgreSQL makes a name of two: the longer one gives way.
std::string joined(const std::string& first, const std::string& second, const std::string& end) {
    std::size_t one = first.size(), two = second.size();
    while (one + two + end.size() + 1 > max_name_bytes) --(one > two ? one : two);
    return clipped(first, one) + "_" + clipped(second, two) + end;
}

std::string owner_trigger(const std::string& sequence) {
    return quoted("owner of " + sequence);
}

}  // namespace

std::vector<std::string> sequence_sql(const std::string& name, const SequenceRules& rules, bool temporary) {
    return {
        fmt::format("CREATE {}TABLE {} (last_value BIGINT /*sequence*/, log_cnt BIGINT /*{}*/, is_called "
                    "BOOLEAN, start_value BIGINT, increment_by BIGINT, min_value BIGINT, max_value BIGINT, "
                    "cycles BOOLEAN)",
                    temporary ? "TEMP " : "", quoted(name), type_name(rules.type)),
        fmt::format("INSERT INTO {} VALUES ({}, 0, 0, {}, {}, {}, {}, {})", quoted(name), rules.start,
                    rules.start, rules.increment, rules.least, rules.greatest, rules.cycle ? 1 : 0)};
}

std::string own_sequence_sql(const std::string& sequence, const std::string& table,
                             const std::string& column) {
    return fmt::format("CREATE TRIGGER {} AFTER UPDATE OF {} ON {} WHEN 0 BEGIN SELECT 1; END",
                       owner_trigger(sequence), quoted(column), quoted(table));
}

std::string disown_sequence_sql(const std::string& sequence) {
    return "DROP TRIGGER IF EXISTS " + owner_trigger(sequence);
}

// Its default, and what is run before and after the table is made.
std::string Translator::serial_default(const std::string& table, const std::string& column, SqlType type) {
    std::string name = joined(table, column, "_seq");
    const auto taken = [&] {
        return catalog_.find({}, name) != nullptr ||
               std::any_of(serials_.begin(), serials_.end(),
                           [&](const auto& serial) { return serial.sequence == name; });
    };
    for (int number = 1; taken(); ++number) name = joined(table, column, fmt::format("_seq{}", number));
    SequenceRules rules;
    rules.type = type;
    if (type == SqlType::int2) rules.greatest = 32'767;
    if (type == SqlType::int4) rules.greatest = 2'147'483'647;
    serials_.push_back({name, column, rules});
    return fmt::format("(understudy_nextval({}, NULL))", sql_literal(Stored(name)));
}

// The owner's trigger, or that there is to be none.
std::vector<std::string> Translator::owned_by(const std::string& sequence, const PgQuery__Node* owner) {
    if (owner == nullptr || owner->node_case != PG_QUERY__NODE__NODE_LIST) return {};
    const auto names = names_of(owner->list->items, owner->list->n_items);
    std::vector<std::string> statements = {disown_sequence_sql(sequence)};
    if (names.size() == 1 && names[0] == "none") return statements;
    if (names.size() < 2) {
        fail_with({sqlstate::syntax_error, "invalid OWNED BY option",
                   "Specify OWNED BY table.column or OWNED BY NONE."});
        return {};
    }
    const std::string& table = names[names.size() - 2];
    const Table* found = catalog_.find(names.size() > 2 ? names[names.size() - 3] : std::string(), table);
    if (found == nullptr) {
        fail(sqlstate::undefined_table, "relation \"{}\" does not exist", table);
        return {};
    }
    if (found->kind == Table::Kind::sequence || !found->writable)
        fail("42809", "sequence cannot be owned by relation \"{}\"", table);
    if (found->kind == Table::Kind::view) refuse("a sequence that a view owns");
    const bool known = std::any_of(found->columns.begin(), found->columns.end(),
                                   [&](const auto& column) { return column.name == names.back(); });
    if (!known)
        fail(sqlstate::undefined_column, "column \"{}\" of relation \"{}\" does not exist", names.back(),
             table);
    statements.push_back(own_sequence_sql(sequence, table, names.back()));
    return statements;
}

// What goes with the table's columns: those of one, or all. Fails where another default needs it.
std::vector<std::string> Translator::drop_owned(const Table& table, const std::string* column,
                                                const std::vector<std::string>& dropped, bool cascade) {
    std::vector<std::string> statements;
    for (const auto& [sequence, owner] : table.owned) {
        if (column != nullptr && owner != *column) continue;
        const std::string call = fmt::format("understudy_nextval({}, ", sql_literal(Stored(sequence)));
        const bool own_use =
            column != nullptr &&
            std::any_of(table.columns.begin(), table.columns.end(), [&](const auto& other) {
                return other.name != *column && other.default_sql.find(call) != std::string::npos;
            });
        if (own_use || catalog_.is_default(sequence, dropped)) {
            if (cascade) refuse("CASCADE that takes defaults away");
            fail("2BP01", "cannot drop {} because other objects depend on it",
                 column == nullptr ? "table " + table.name
                                   : fmt::format("column {} of table {}", *column, table.name));
        }
        statements.push_back(disown_sequence_sql(sequence));
        statements.push_back("DROP TABLE " + quoted(sequence));
    }
    return statements;
}

}  // namespace understudy::database
