// SPDX-License-Identifier: Apache-2.0
// Function calls, aggregates and window functions: PostgreSQL manual chapters 4.2.7, 4.2.8, 9 and 10.3.
#include <algorithm>

#include "storage/database/sql/function_table.hpp"
#include "storage/database/sql/translator.hpp"

namespace understudy::database {
namespace {

std::string filled(std::string_view pattern, const std::vector<Expression>& arguments) {
    std::string sql;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '{') {
            sql += pattern[i];
            continue;
        }
        const char which = pattern[i + 1];
        if (which == '*') {
            for (std::size_t argument = 0; argument < arguments.size(); ++argument)
                sql += (argument == 0 ? "" : ", ") + arguments[argument].sql;
        } else {
            sql += arguments[static_cast<std::size_t>(which - '0')].sql;
        }
        i += 2;
    }
    return sql;
}

std::string type_list(const std::vector<Expression>& arguments) {
    std::string list;
    for (const auto& argument : arguments) list += (list.empty() ? "" : ", ") + type_name(argument.type.type);
    return list;
}

}  // namespace

Expression Translator::call(const PgQuery__FuncCall& node, Scope& scope) {
    const auto names = names_of(node.funcname, node.n_funcname);
    const std::string name = names.empty() ? std::string() : names.back();
    if (names.size() > 1 && names[0] != "pg_catalog" && names[0] != "public")
        return fail(sqlstate::undefined_function, "function {}.{} does not exist", names[0], name);
    if (is_aggregate(name) || is_window_function(name)) return aggregate(name, node, scope);
    if (node.agg_star || node.agg_distinct || node.over != nullptr || node.agg_filter != nullptr ||
        node.n_agg_order > 0)
        return fail("42809", "{}(…) is not an aggregate or window function here", name);
    if (node.func_variadic) return refuse("VARIADIC");
    if (name == "extract" || name == "date_part") return extract(node, scope, name == "extract");
    auto arguments = expressions(node.args, node.n_args, scope);
    if (name == "concat" || name == "concat_ws") {
        // Other than ||, these leave NULLs out.
        std::string sql;
        for (auto& argument : arguments) {
            const bool truth = argument.type.type == SqlType::boolean;  // as it is output, not as it is cast
            argument = cast(std::move(argument), {truth ? SqlType::boolean : SqlType::text, -1},
                            CastContext::assignment);
            sql += (sql.empty() ? "" : ", ") +
                   (truth ? fmt::format("substr('ft', {} + 1, 1)", argument.sql) : argument.sql);
        }
        if (name == "concat") sql = "''" + (sql.empty() ? sql : ", " + sql);
        return of_type(SqlType::text, fmt::format("understudy_concat_ws({})", sql), name);
    }
    if (auto result = array_call(name, arguments)) return *result;
    if (auto result = sequence_call(name, arguments)) return *result;
    const FunctionRow* best = nullptr;
    int best_score = -1;
    for (const auto& row : function_table()) {
        if (row.name != name || row.arguments.size() != arguments.size()) continue;
        int score = 0;
        for (std::size_t i = 0; i < arguments.size() && score >= 0; ++i) {
            const SqlType given = arguments[i].type.type, wanted = row.arguments[i];
            if (wanted == SqlType::unknown || given == wanted)
                score += 4;
            else if (given == SqlType::unknown)
                score += wanted == SqlType::text                                       ? 2
                         : wanted == SqlType::float8 || wanted == SqlType::timestamptz ? 1
                                                                                       : 0;
            else if (castable(given, wanted, CastContext::implicit))
                // Integers prefer float8 to numeric, PostgreSQL's preferred type of its category.
                score +=
                    wanted == SqlType::float8 || wanted == SqlType::text || wanted == SqlType::timestamptz
                        ? 2
                        : 1;
            else
                score = -1;
            if (score < 0) break;
        }
        if (score > best_score) {
            best = &row;
            best_score = score;
        }
    }
    if (best == nullptr && (name == "generate_series" || name == "unnest"))
        return refuse("a set-returning function here");
    if (best == nullptr)
        return fail_with({sqlstate::undefined_function,
                          fmt::format("function {}({}) does not exist", name, type_list(arguments)),
                          "No function matches the given name and argument types. You might need to add "
                          "explicit type casts."},
                         node.location);
    for (std::size_t i = 0; i < arguments.size(); ++i)
        if (best->arguments[i] != SqlType::unknown)
            arguments[i] = cast(std::move(arguments[i]), {best->arguments[i], -1}, CastContext::implicit);
    return of_type(best->result, filled(best->sql, arguments), name);
}

Expression Translator::aggregate(const std::string& name, const PgQuery__FuncCall& node, Scope& scope) {
    const bool window_only = is_window_function(name);
    if (window_only && node.over == nullptr)
        return fail("42809", "window function {} requires an OVER clause", name);
    if (node.over == nullptr && place_->without_aggregates != nullptr)
        return fail("42803", "aggregate functions are not allowed in {}", place_->without_aggregates);
    if (node.over != nullptr && place_->without_windows != nullptr)
        return fail("42P20", "window functions are not allowed in {}", place_->without_windows);
    if (node.over != nullptr && scope.aggregate_depth > 0 && scope.group_keys.empty())
        return fail("42803", "aggregate function calls cannot contain window function calls");
    if (scope.aggregate_depth > 0 && node.over == nullptr && scope.group_keys.empty())
        return fail("42803", "aggregate function calls cannot be nested");
    if (node.agg_within_group) return refuse("WITHIN GROUP");
    if (node.over == nullptr) ++scope.aggregate_depth;
    auto arguments = expressions(node.args, node.n_args, scope);
    std::string filter;
    if (node.agg_filter != nullptr)
        filter = fmt::format(" FILTER (WHERE {})",
                             condition_at(place::filter, node.agg_filter, scope, "FILTER").sql);
    for (auto& argument : arguments) argument = settled(std::move(argument));
    std::string keys;
    const std::string sorting = aggregate_order(node, scope, arguments, keys);
    if (node.over == nullptr) --scope.aggregate_depth;
    const SqlType type = arguments.empty() ? SqlType::int8 : arguments[0].type.type;
    const auto no_function = [&] {
        return fail(sqlstate::undefined_function, "function {}({}) does not exist", name,
                    type_list(arguments));
    };
    std::string function = name, list = arguments.empty() ? std::string() : arguments[0].sql;
    SqlType result = type;
    if (name == "count") {
        if (arguments.size() != (node.agg_star ? 0 : 1)) return no_function();
        if (node.agg_star) list = "*";
        result = SqlType::int8;
    } else if (name == "sum" || name == "avg") {
        if (arguments.size() != 1 || (!is_number(type) && type != SqlType::interval)) return no_function();
        if (type == SqlType::interval) return refuse(fmt::format("{}(interval)", name));
        const bool exact = is_integer(type) || type == SqlType::numeric;
        if (name == "sum" && (type == SqlType::int2 || type == SqlType::int4)) {
            result = SqlType::int8;
        } else if (exact) {
            result = SqlType::numeric;
            function = "understudy_" + name + "_numeric";
            if (type != SqlType::numeric) list = fmt::format("CAST({} AS TEXT)", list);
        } else {
            result = name == "sum" ? type : SqlType::float8;
        }
    } else if (name == "min" || name == "max") {
        if (arguments.size() != 1 || type == SqlType::boolean || type == SqlType::json ||
            type == SqlType::jsonb || type == SqlType::bytea || type == SqlType::uuid)
            return no_function();
    } else if (name == "bool_and" || name == "every" || name == "bool_or") {
        if (arguments.size() != 1 || type != SqlType::boolean) return no_function();
        function = name == "bool_or" ? "max" : "min";
    } else if (name == "string_agg") {
        if (arguments.size() != 2 || !is_text(type)) return no_function();
        list += ", " + cast(arguments[1], {SqlType::text, -1}, CastContext::implicit).sql;
        result = SqlType::text;
        if (node.over != nullptr) return refuse("string_agg() as a window function");
        if (sorting.empty()) {
            function = "understudy_string_agg";
        } else {
            return of_type(result,
                           fmt::format("understudy_string_agg_ordered({}, '{}', {}{}){}",
                                       static_cast<std::uint32_t>(type), sorting, list, keys, filter),
                           name);
        }
    } else if (name == "array_agg") {
        if (arguments.size() != 1) return no_function();
        const auto array = array_of(type);
        if (!array) return refuse(fmt::format("an array of {}", type_name(type)));
        if (node.over != nullptr) return refuse("array_agg() as a window function");
        return of_type(*array,
                       fmt::format("understudy_array_agg({}, '{}', {}{}){}", static_cast<std::uint32_t>(type),
                                   sorting, list, keys, filter),
                       name);
    } else if (name == "row_number" || name == "rank" || name == "dense_rank") {
        if (!arguments.empty()) return no_function();
        result = SqlType::int8;
    } else if (name == "ntile") {
        if (arguments.size() != 1 || !is_integer(type)) return no_function();
        result = SqlType::int4;
    } else if (name == "lag" || name == "lead") {
        if (arguments.empty() || arguments.size() > 3) return no_function();
        if (arguments.size() > 1)
            list += ", " + cast(arguments[1], {SqlType::int4, -1}, CastContext::implicit).sql;
        if (arguments.size() > 2)
            list += ", " + cast(arguments[2], arguments[0].type, CastContext::implicit).sql;
    } else if (name == "first_value" || name == "last_value") {
        if (arguments.size() != 1) return no_function();
    } else {
        return refuse(fmt::format("{}()", name));
    }
    if (list != "*" && !arguments.empty() && arguments.size() == 1) list = with_collation(list, type);
    std::string sql = fmt::format("{}({}{}){}", function, node.agg_distinct ? "DISTINCT " : "", list, filter);
    if (node.over != nullptr) {
        if (node.agg_distinct) return refuse("DISTINCT in a window function");
        sql += " OVER " + window(*node.over, scope);
    }
    return of_type(result, sql, name);
}

// How an aggregate that keeps its rows orders them (functions/ordered_aggregates.cpp), and what it orders
// them by. For the others the order makes no difference.
std::string Translator::aggregate_order(const PgQuery__FuncCall& node, Scope& scope,
                                        const std::vector<Expression>& arguments, std::string& keys) {
    std::string sorting =
        node.agg_distinct && (arguments.size() != 1 || node.n_agg_order > 0 ||
                              names_of(node.funcname, node.n_funcname).back() == "array_agg")
            ? "d"
            : "";
    for (std::size_t i = 0; i < node.n_agg_order; ++i) {
        const auto& sort = *node.agg_order[i]->sort_by;
        const Expression key = settled(expression(sort.node, scope));
        if (node.agg_distinct &&
            std::none_of(arguments.begin(), arguments.end(),
                         [&](const Expression& argument) { return argument.sql == key.sql; }))
            fail("42P10", "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list");
        if (key.type.type == SqlType::json)
            fail(sqlstate::undefined_function, "could not identify an ordering operator for type json");
        const std::string suffix = sort_suffix(sort);
        sorting +=
            fmt::format("{}:{}{} ", static_cast<std::uint32_t>(key.type.type),
                        suffix.starts_with(" DESC") ? 'd' : 'a', suffix.ends_with("FIRST") ? 'f' : 'l');
        keys += ", " + key.sql;
    }
    return sorting;
}

std::string Translator::window(const PgQuery__WindowDef& node, Scope& scope) {
    const bool by_name = node.name != nullptr && *node.name != '\0';
    if (!by_name) return window_definition(node, scope);
    if (!selects_.empty())
        for (std::size_t i = 0; i < selects_.back()->n_window_clause; ++i)
            if (const auto& named = *selects_.back()->window_clause[i]->window_def;
                std::string_view(named.name) == node.name)
                return window_definition(named, scope);
    fail(sqlstate::undefined_object, "window \"{}\" does not exist", node.name);
    return "()";
}

std::string Translator::window_definition(const PgQuery__WindowDef& node, Scope& scope) {
    if (node.refname != nullptr && *node.refname != '\0') {
        refuse("a window that builds on another");
        return "()";
    }
    const Standing here(place_, place::window);
    std::string sql;
    for (std::size_t i = 0; i < node.n_partition_clause; ++i) {
        const Expression value = settled(expression(node.partition_clause[i], scope));
        sql += (i == 0 ? "PARTITION BY " : ", ") + with_collation(value.sql, value.type.type);
    }
    for (std::size_t i = 0; i < node.n_order_clause; ++i) {
        const auto& sort = *node.order_clause[i]->sort_by;
        const Expression value = settled(expression(sort.node, scope));
        sql += (i > 0         ? ", "
                : sql.empty() ? "ORDER BY "
                              : " ORDER BY ") +
               with_collation(value.sql, value.type.type) + sort_suffix(sort);
    }
    // FRAMEOPTION_DEFAULTS of parsenodes.h: RANGE UNBOUNDED PRECEDING to CURRENT ROW, SQLite's default too.
    constexpr int nondefault = 0x1, rows = 0x4, start_unbounded = 0x20, end_unbounded = 0x100,
                  end_current = 0x400;
    const int options = node.frame_options;
    if ((options & nondefault) != 0) {
        if ((options & rows) != 0 && (options & start_unbounded) != 0 && (options & end_current) != 0)
            sql += " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
        else if ((options & start_unbounded) != 0 && (options & end_unbounded) != 0)
            sql += " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";
        else
            refuse("this window frame");
    }
    return "(" + sql + ")";
}

Expression Translator::extract(const PgQuery__FuncCall& node, Scope& scope, bool exact) {
    if (node.n_args != 2) return refuse("this EXTRACT");
    const Expression field = expression(node.args[0], scope);
    const Expression value = expression(node.args[1], scope);
    if (!field.literal) return refuse("EXTRACT of a computed field");
    const SqlType type = value.type.type;
    if (!is_moment(type) && type != SqlType::interval && type != SqlType::time)
        return fail(sqlstate::undefined_function, "function {}(unknown, {}) does not exist",
                    exact ? "pg_catalog.extract" : "date_part", type_name(type));
    return of_type(exact ? SqlType::numeric : SqlType::float8,
                   fmt::format("understudy_extract({}, {}, {}, {})", sql_literal(Stored(*field.literal)),
                               value.sql, static_cast<std::uint32_t>(type), exact ? 1 : 0),
                   exact ? "extract" : "date_part");
}

}  // namespace understudy::database
