// SPDX-License-Identifier: Apache-2.0
// Sequences: PostgreSQL manual, CREATE SEQUENCE and chapter 9.17. Each is a table of one row with its state
// and its rules (functions/sequences.cpp). A serial's, named TABLE_COLUMN_seq, is SQLite's own counter of the
// table.
#include <algorithm>
#include <array>
#include <charconv>

#include "storage/database/core/ascii.hpp"
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

std::optional<std::int64_t> number_of(const PgQuery__Node* node) {
    if (node == nullptr) return std::nullopt;
    if (node->node_case == PG_QUERY__NODE__NODE_INTEGER) return node->integer->ival;
    if (node->node_case != PG_QUERY__NODE__NODE_FLOAT) return std::nullopt;
    const std::string_view digits = node->float_->fval;
    std::int64_t value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end.ec != std::errc() || end.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
}

// "public.\"Name\"" as regclass reads it: folded where it isn't quoted.
std::string sequence_name(std::string_view text) {
    if (const auto point = text.rfind('.'); point != std::string_view::npos && !text.ends_with('"'))
        text.remove_prefix(point + 1);
    else if (const auto quote = text.rfind(".\""); quote != std::string_view::npos)
        text.remove_prefix(quote + 1);
    if (text.size() > 1 && text.front() == '"' && text.back() == '"')
        return std::string(text.substr(1, text.size() - 2));
    return folded(std::string(text));
}

}  // namespace

// `given` tells what was said; the rest has its default by the type and the direction.
Statement Translator::sequence_statement(const PgQuery__RangeVar& relation, PgQuery__Node* const* options,
                                         std::size_t count, bool create) {
    Statement result;
    result.kind = StatementKind::definition;
    result.tag = create ? "CREATE SEQUENCE" : "ALTER SEQUENCE";
    const std::string name = relation.relname;
    SequenceRules rules;
    const PgQuery__Node* owner = nullptr;
    std::optional<std::int64_t> start, least, greatest, restart;
    bool restarts = false, least_reset = false, greatest_reset = false, cycle_given = false,
         increment_given = false;
    std::int64_t type_least = std::numeric_limits<std::int64_t>::min();
    std::int64_t type_greatest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < count; ++i) {
        const auto& option = *options[i]->def_elem;
        const std::string_view word = option.defname;
        const auto number = number_of(option.arg);
        if (word == "start") {
            start = number;
        } else if (word == "restart") {
            restarts = true;
            restart = number;
        } else if (word == "increment") {
            if (number == 0) fail("22023", "INCREMENT must not be zero");
            rules.increment = number.value_or(1);
            increment_given = true;
        } else if (word == "minvalue") {
            least = number;
            least_reset = !number;
        } else if (word == "maxvalue") {
            greatest = number;
            greatest_reset = !number;
        } else if (word == "cycle") {
            rules.cycle = option.arg != nullptr && option.arg->node_case == PG_QUERY__NODE__NODE_BOOLEAN &&
                          option.arg->boolean->boolval;
            cycle_given = true;
        } else if (word == "as" && create && option.arg->node_case == PG_QUERY__NODE__NODE_TYPE_NAME) {
            const SqlType type = type_of(*option.arg->type_name).type;
            if (!is_integer(type)) fail("22023", "sequence type must be smallint, integer, or bigint");
            rules.type = type;
            if (type == SqlType::int2) type_least = -32'768, type_greatest = 32'767;
            if (type == SqlType::int4) type_least = -2'147'483'648LL, type_greatest = 2'147'483'647LL;
        } else if (word == "owned_by") {
            owner = option.arg;
        } else if (word != "cache") {
            refuse(fmt::format("{} of a sequence", word));
        }
    }
    if (!create) {
        const Table* changed = catalog_.find({}, name);
        if (changed == nullptr || changed->kind != Table::Kind::sequence) {
            if (changed != nullptr) fail("42809", "\"{}\" is not a sequence", name);
            if (serial_of(name)) refuse("ALTER SEQUENCE of a serial column's (use setval)");
            fail(sqlstate::undefined_table, "relation \"{}\" does not exist", name);
            return result;
        }
        if (least_reset || greatest_reset) refuse("NO MINVALUE and NO MAXVALUE in ALTER SEQUENCE");
        std::string changes;
        const auto change = [&](const char* column, const std::string& value) {
            changes += fmt::format("{}{} = {}", changes.empty() ? "" : ", ", column, value);
        };
        if (start) change("start_value", std::to_string(*start));
        if (increment_given) change("increment_by", std::to_string(rules.increment));
        if (least) change("min_value", std::to_string(*least));
        if (greatest) change("max_value", std::to_string(*greatest));
        if (cycle_given) change("cycles", rules.cycle ? "1" : "0");
        if (restarts) {
            change("last_value", restart ? std::to_string(*restart)
                                 : start ? std::to_string(*start)
                                         : std::string("start_value"));
            change("is_called", "0");
        }
        result.before = owned_by(name, owner);
        if (changes.empty()) {
            if (result.before.empty()) result.kind = StatementKind::nothing;
            run_last(result);
            return result;
        }
        // The rules have to agree afterwards; the function tells which doesn't.
        result.before.push_back(fmt::format("UPDATE {} SET {}", changed->sql, changes));
        result.sql = fmt::format(
            "SELECT understudy_sequence_check({}, start_value, last_value, min_value, max_value) "
            "FROM {}",
            sql_literal(Stored(name)), changed->sql);
        return result;
    }
    rules.least = least.value_or(rules.increment > 0 ? 1 : type_least);
    rules.greatest = greatest.value_or(rules.increment > 0 ? type_greatest : -1);
    rules.start = start.value_or(rules.increment > 0 ? rules.least : rules.greatest);
    if (rules.least >= rules.greatest)
        fail("22023", "MINVALUE ({}) must be less than MAXVALUE ({})", rules.least, rules.greatest);
    if (rules.start < rules.least)
        fail("22023", "START value ({}) cannot be less than MINVALUE ({})", rules.start, rules.least);
    if (rules.start > rules.greatest)
        fail("22023", "START value ({}) cannot be greater than MAXVALUE ({})", rules.start, rules.greatest);
    if (serial_of(name)) fail(sqlstate::duplicate_table, "relation \"{}\" already exists", name);
    result.before = sequence_sql(name, rules, *relation.relpersistence == 't');
    for (auto& sql : owned_by(name, owner)) result.before.push_back(std::move(sql));
    run_last(result);
    return result;
}

Statement Translator::create_sequence(const PgQuery__CreateSeqStmt& node) {
    const std::string name = node.sequence->relname;
    const Table* present = catalog_.find({}, name);
    if (node.if_not_exists && present != nullptr) {
        Statement result;
        result.kind = StatementKind::nothing;
        result.tag = "CREATE SEQUENCE";
        result.notices.push_back({"42P07", fmt::format("relation \"{}\" already exists, skipping", name)});
        return result;
    }
    return sequence_statement(*node.sequence, node.options, node.n_options, true);
}

Statement Translator::alter_sequence(const PgQuery__AlterSeqStmt& node) {
    if (node.missing_ok && catalog_.find({}, node.sequence->relname) == nullptr) {
        Statement result;
        result.kind = StatementKind::nothing;
        result.tag = "ALTER SEQUENCE";
        result.notices.push_back(
            {"00000", fmt::format("relation \"{}\" does not exist, skipping", node.sequence->relname)});
        return result;
    }
    return sequence_statement(*node.sequence, node.options, node.n_options, false);
}

// The table of the serial column whose sequence this name is.
const Table* Translator::serial_of(std::string_view name) const {
    constexpr std::string_view end = "_seq";
    if (!name.ends_with(end)) return nullptr;
    name.remove_suffix(end.size());
    for (auto at = name.find('_'); at != std::string_view::npos; at = name.find('_', at + 1))
        if (const Table* found = catalog_.find({}, name.substr(0, at)))
            for (const auto& column : found->columns)
                if (column.serial && column.name == name.substr(at + 1)) return found;
    return nullptr;
}

std::optional<Expression> Translator::sequence_call(const std::string& name,
                                                    std::vector<Expression>& arguments) {
    constexpr std::array<std::string_view, 3> names = {"nextval", "currval", "setval"};
    if (name == "lastval" && arguments.empty()) return of_type(SqlType::int8, "understudy_lastval()", name);
    if (name == "pg_get_serial_sequence" && arguments.size() == 2 && arguments[0].literal &&
        arguments[1].literal) {
        const std::string table = sequence_name(*arguments[0].literal);
        const std::string sequence = fmt::format("{}_{}_seq", table, *arguments[1].literal);
        if (catalog_.find({}, table) == nullptr)
            return fail(sqlstate::undefined_table, "relation \"{}\" does not exist", table);
        std::string found = serial_of(sequence) != nullptr ? sequence : std::string();
        for (const auto& [owned, column] : catalog_.find({}, table)->owned)
            if (found.empty() && column == *arguments[1].literal) found = owned;
        if (!found.empty()) found = "public." + found;
        Expression result = of_type(SqlType::text, found.empty() ? "NULL" : sql_literal(Stored(found)), name);
        if (!found.empty()) result.literal = found;
        return result;
    }
    const std::size_t count = arguments.size();
    if (std::find(names.begin(), names.end(), name) == names.end() || count < 1 ||
        (name == "setval") != (count >= 2) || count > 3)
        return std::nullopt;
    const auto& literal = arguments[0].literal ? arguments[0].literal : arguments[0].relation;
    if (!literal) return refuse(fmt::format("{}() of a computed name", name));
    const std::string sequence = sequence_name(*literal);
    const Table* found = catalog_.find({}, sequence);
    const Table* numbered = found == nullptr ? serial_of(sequence) : nullptr;
    if (found == nullptr && numbered == nullptr)
        return fail(sqlstate::undefined_table, "relation \"{}\" does not exist",
                    literal->find('"') == std::string::npos ? *literal : sequence);
    if (found != nullptr && found->kind != Table::Kind::sequence)
        return fail("42809", "\"{}\" is not a sequence", sequence);
    if (name != "currval") locks_rows_ = true;  // it writes
    std::string sql = fmt::format("understudy_{}({}, {}", name, sql_literal(Stored(sequence)),
                                  numbered == nullptr ? "NULL" : sql_literal(Stored(numbered->name)));
    if (count > 1) sql += ", " + cast(arguments[1], {SqlType::int8, -1}, CastContext::implicit).sql;
    if (count > 1)
        sql +=
            ", " + (count > 2 ? cast(arguments[2], {SqlType::boolean, -1}, CastContext::implicit).sql : "1");
    return of_type(SqlType::int8, sql + ")", name);
}

}  // namespace understudy::database
