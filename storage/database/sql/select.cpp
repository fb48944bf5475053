// SPDX-License-Identifier: Apache-2.0
// SELECT with its clauses: PostgreSQL manual, SQL command SELECT.
#include <algorithm>

#include "storage/database/sql/function_table.hpp"
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

bool is_aggregate_call(const PgQuery__FuncCall& call) {
    return call.over == nullptr && call.n_funcname > 0 &&
           is_aggregate(text_of(call.funcname[call.n_funcname - 1]));
}

template <typename Stack>
struct Pop {
    Stack& stack;
    ~Pop() { stack.pop_back(); }
};

}  // namespace

// Names of SQLite's SQL differ in more than case, or two columns would be one.
void Translator::add_column(Relation& relation, const std::string& name, Type type) {
    const auto same = [&](const std::string& other) {
        return std::equal(name.begin(), name.end(), other.begin(), other.end(), [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
        });
    };
    const bool taken = std::any_of(relation.aliases.begin(), relation.aliases.end(), same);
    relation.columns.push_back({name, type});
    relation.aliases.push_back(taken ? fmt::format("{}:{}", name, relation.columns.size()) : name);
}

Expression Translator::result_column(const Relation& relation, std::size_t index) {
    Expression value;
    value.sql = quoted(relation.aliases[index]);
    value.type = relation.columns[index].type;
    value.name = relation.columns[index].name;
    return value;
}

Relation Translator::select(const PgQuery__SelectStmt& node, Scope* outer,
                            const std::vector<std::string>& names, bool keep_undecided) {
    if (++depth_ > 200) {
        --depth_;
        fail(sqlstate::too_complex, "stack depth limit exceeded");
        return {"SELECT NULL", {}, {}};
    }
    const Standing here(place_, place::anywhere);
    const std::size_t common_tables = common_tables_.size();
    const std::string prefix = with(node.with_clause, outer);
    Relation result;
    if (node.into_clause != nullptr) refuse("SELECT INTO (use CREATE TABLE AS)");
    if (node.n_values_lists > 0)
        result = values(node, outer, names);
    else if (node.op != PG_QUERY__SET_OPERATION__SETOP_NONE && node.larg != nullptr)
        result = compound(node, outer, names);
    else
        result = plain_select(node, outer, names, keep_undecided);
    common_tables_.resize(common_tables);
    result.sql = prefix + result.sql;
    --depth_;
    return result;
}

Relation Translator::plain_select(const PgQuery__SelectStmt& node, Scope* outer,
                                  const std::vector<std::string>& names, bool keep_undecided) {
    Scope scope;
    scope.outer = outer;
    Relation result;
    std::string tail;
    selects_.push_back(&node);
    const Pop<decltype(selects_)> pop{selects_};
    if (const std::string source = from(node.from_clause, node.n_from_clause, scope); !source.empty())
        tail += " FROM " + source;
    const bool always_empty = std::any_of(scope.ranges.begin(), scope.ranges.end(),
                                          [](const Range& range) { return range.always_empty; });
    if (always_empty && node.n_group_clause == 0) {
        ++never_evaluated_;
        const Relation empty = empty_relation(targets(node.target_list, node.n_target_list, scope), names);
        --never_evaluated_;
        return empty;
    }
    if (node.where_clause != nullptr)
        tail += " WHERE " + condition_at(place::where, node.where_clause, scope, "WHERE").sql;
    group(node, scope, tail);
    bool aggregated = node.n_group_clause > 0 || contains_call(node.having_clause, is_aggregate_call);
    for (std::size_t i = 0; i < node.n_target_list; ++i)
        aggregated = aggregated || contains_call(node.target_list[i], is_aggregate_call);
    scope.grouped = aggregated;
    result.single_row = aggregated && node.n_group_clause == 0;
    const std::vector<Target> columns = targets(node.target_list, node.n_target_list, scope, keep_undecided);
    if (node.having_clause != nullptr) {
        // SQLite wants a GROUP BY before it.
        if (node.n_group_clause == 0) tail += " GROUP BY NULL";
        tail += " HAVING " + condition_at(place::having, node.having_clause, scope, "HAVING").sql;
        if (node.n_group_clause == 0) tail += " AND count(*) >= 0";
    }
    const bool first_of_each = node.n_distinct_clause > 0 && node.distinct_clause[0] != nullptr &&
                               node.distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    const bool distinct = node.n_distinct_clause > 0 && !first_of_each;
    std::string list;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto& target = columns[i];
        const std::string name = i < names.size() ? names[i] : target.name;
        const std::string value = distinct || has_collation(target.value.sql)
                                      ? with_collation(target.value.sql, target.value.type.type)
                                      : target.value.sql;
        add_column(result, name, target.value.type);
        list += fmt::format("{}{} AS {}", i == 0 ? "" : ", ", value, quoted(result.aliases.back()));
    }
    if (columns.empty()) list = "NULL AS \"\"";
    if (names.size() > columns.size()) fail("42P10", "more column names are given than there are columns");
    if (!first_of_each) {
        tail += order(node.sort_clause, node.n_sort_clause, scope, columns, distinct);
        tail += limit(node, scope);
    }
    for (std::size_t i = 0; i < node.n_locking_clause; ++i) {
        if (node.locking_clause[i]->locking_clause->wait_policy != PG_QUERY__LOCK_WAIT_POLICY__LockWaitBlock)
            refuse("NOWAIT and SKIP LOCKED");
        if (aggregated || distinct || first_of_each)
            fail("0A000", "FOR UPDATE is not allowed with {}",
                 aggregated ? "aggregate functions" : "DISTINCT clause");
        locks_rows_ = true;
    }
    result.sql = first_of_each ? distinct_on(node, scope, columns, result, list, tail)
                               : fmt::format("SELECT {}{}{}", distinct ? "DISTINCT " : "", list, tail);
    return result;
}

Relation Translator::empty_relation(const std::vector<Target>& targets,
                                    const std::vector<std::string>& names) {
    Relation result;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const std::string name = i < names.size() ? names[i] : targets[i].name;
        add_column(result, name, targets[i].value.type);
        result.sql += fmt::format("{}NULL AS {}", i == 0 ? "SELECT " : ", ", quoted(result.aliases.back()));
    }
    result.sql += " WHERE 0";
    result.single_row = true;
    return result;
}

std::vector<Translator::Target> Translator::targets(PgQuery__Node* const* nodes, std::size_t count,
                                                    Scope& scope, bool keep_undecided) {
    std::vector<Target> result;
    const auto add = [&](const RangeColumn& column, const Range* range) {
        if (!is_grouped({&column, range, &scope}))
            fail("42803",
                 "column \"{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                 column.name);
        Expression value;
        value.sql = column.sql;
        value.type = column.type;
        result.push_back({std::move(value), column.name});
    };
    for (std::size_t i = 0; i < count; ++i) {
        const auto& target = *nodes[i]->res_target;
        const bool reference =
            target.val != nullptr && target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
        const auto* fields = reference ? target.val->column_ref : nullptr;
        if (reference && fields->fields[fields->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
            const std::string only(fields->n_fields > 1 ? text_of(fields->fields[fields->n_fields - 2])
                                                        : std::string_view());
            if (only.empty())
                for (const auto& column : scope.merged) add(column, nullptr);
            bool found = false;
            for (const auto& range : scope.ranges) {
                if (!only.empty() && range.alias != only) continue;
                found = true;
                for (const auto& column : range.columns)
                    if (!only.empty() || !column.merged) add(column, &range);
            }
            if (!found)
                fail(only.empty() ? sqlstate::syntax_error : sqlstate::undefined_table, "{}",
                     only.empty() ? std::string("SELECT * with no tables specified is not valid")
                                  : fmt::format("missing FROM-clause entry for table \"{}\"", only));
            continue;
        }
        Target made;
        made.value = expression(target.val, scope);
        if (!keep_undecided || made.value.parameter > 0) made.value = settled(std::move(made.value));
        made.name = target.name != nullptr && *target.name != '\0' ? target.name
                    : made.value.name.empty()                      ? "?column?"
                                                                   : made.value.name;
        result.push_back(std::move(made));
    }
    return result;
}

std::string Translator::limit(const PgQuery__SelectStmt& node, Scope& scope) {
    if (node.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) refuse("FETCH … WITH TIES");
    const auto number = [&](const PgQuery__Node* value, const char* what) {
        Expression count = expression_at(*what == 'L' ? place::limit : place::offset, value, scope);
        if (count.null_literal) return std::string("-1");
        if (count.levels.outermost == scope.level())  // in a sub-select of it
            fail("42P10", "argument of {} must not contain variables", what);
        if (count.levels.outermost < scope.level())
            refuse(fmt::format("a column of a query around it in {}", what));
        return fmt::format("understudy_limit({}, '{}')",
                           cast(std::move(count), {SqlType::int8, -1}, CastContext::assignment).sql, what);
    };
    if (node.limit_count == nullptr && node.limit_offset == nullptr) return {};
    std::string sql =
        " LIMIT " + (node.limit_count == nullptr ? std::string("-1") : number(node.limit_count, "LIMIT"));
    if (node.limit_offset != nullptr) sql += " OFFSET " + number(node.limit_offset, "OFFSET");
    return sql;
}

}  // namespace understudy::database
