// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/function_table.hpp"

#include <algorithm>
#include <array>

namespace understudy::database {
namespace {

using T = SqlType;

std::vector<FunctionRow> text_functions() {
    return {
        {"length", {T::text}, T::int4, "length({0})"},
        {"length", {T::bytea}, T::int4, "length({0})"},
        {"char_length", {T::text}, T::int4, "length({0})"},
        {"character_length", {T::text}, T::int4, "length({0})"},
        {"octet_length", {T::text}, T::int4, "length(CAST({0} AS BLOB))"},
        {"octet_length", {T::bytea}, T::int4, "length({0})"},
        {"lower", {T::text}, T::text, "lower({0})"},
        {"upper", {T::text}, T::text, "upper({0})"},
        {"substr", {T::text, T::int4}, T::text, "understudy_substring({*})"},
        {"substr", {T::text, T::int4, T::int4}, T::text, "understudy_substring({*})"},
        {"substring", {T::text, T::int4}, T::text, "understudy_substring({*})"},
        {"substring", {T::text, T::int4, T::int4}, T::text, "understudy_substring({*})"},
        {"btrim", {T::text}, T::text, "trim({0}, ' ')"},
        {"btrim", {T::text, T::text}, T::text, "trim({0}, {1})"},
        {"ltrim", {T::text}, T::text, "ltrim({0}, ' ')"},
        {"ltrim", {T::text, T::text}, T::text, "ltrim({0}, {1})"},
        {"rtrim", {T::text}, T::text, "rtrim({0}, ' ')"},
        {"rtrim", {T::text, T::text}, T::text, "rtrim({0}, {1})"},
        {"replace", {T::text, T::text, T::text}, T::text, "understudy_replace({*})"},
        {"position", {T::text, T::text}, T::int4, "instr({0}, {1})"},
        {"strpos", {T::text, T::text}, T::int4, "instr({0}, {1})"},
        {"left", {T::text, T::int4}, T::text, "understudy_left({0}, {1})"},
        {"right", {T::text, T::int4}, T::text, "understudy_right({0}, {1})"},
        {"repeat", {T::text, T::int4}, T::text, "understudy_repeat({0}, {1})"},
        {"reverse", {T::text}, T::text, "understudy_reverse({0})"},
        {"lpad", {T::text, T::int4}, T::text, "understudy_pad({0}, {1}, ' ', 0)"},
        {"lpad", {T::text, T::int4, T::text}, T::text, "understudy_pad({0}, {1}, {2}, 0)"},
        {"rpad", {T::text, T::int4}, T::text, "understudy_pad({0}, {1}, ' ', 1)"},
        {"rpad", {T::text, T::int4, T::text}, T::text, "understudy_pad({0}, {1}, {2}, 1)"},
        {"split_part", {T::text, T::text, T::int4}, T::text, "understudy_split_part({0}, {1}, {2})"},
        {"starts_with", {T::text, T::text}, T::boolean, "(substr({0}, 1, length({1})) = {1})"},
        {"md5", {T::text}, T::text, "understudy_md5(CAST({0} AS BLOB))"},
        {"md5", {T::bytea}, T::text, "understudy_md5({0})"},
        {"encode", {T::bytea, T::text}, T::text, "understudy_encode({0}, {1})"},
        {"decode", {T::text, T::text}, T::bytea, "understudy_decode({0}, {1})"},
        {"chr", {T::int4}, T::text, "char({0})"},
        {"quote_ident", {T::text}, T::text, "understudy_quote_ident({0})"},
        {"quote_literal", {T::text}, T::text, "understudy_quote_literal({0})"},
        {"ascii", {T::text}, T::int4, "understudy_ascii({0})"},
        {"initcap", {T::text}, T::text, "understudy_initcap({0})"},
        {"translate", {T::text, T::text, T::text}, T::text, "understudy_translate({*})"},
        {"to_hex", {T::int4}, T::text, "printf('%x', {0} & 4294967295)"},
        {"to_hex", {T::int8}, T::text, "printf('%llx', {0})"},
        {"regexp_replace",
         {T::text, T::text, T::text},
         T::text,
         "understudy_regexp_replace({0}, {1}, {2}, '')"},
        {"regexp_replace", {T::text, T::text, T::text, T::text}, T::text, "understudy_regexp_replace({*})"},
        {"regexp_like", {T::text, T::text}, T::boolean, "understudy_matches({0}, {1}, 0)"},
    };
}

std::vector<FunctionRow> number_functions() {
    return {
        {"abs", {T::int2}, T::int2, "understudy_abs_int2({0})"},
        {"abs", {T::int4}, T::int4, "understudy_abs_int4({0})"},
        {"abs", {T::int8}, T::int8, "understudy_abs_int8({0})"},
        {"abs", {T::numeric}, T::numeric, "ltrim({0}, '-')"},
        {"abs", {T::float8}, T::float8, "abs({0})"},
        {"mod", {T::int4, T::int4}, T::int4, "understudy_remainder_int4({0}, {1})"},
        {"mod", {T::int8, T::int8}, T::int8, "understudy_remainder_int8({0}, {1})"},
        {"mod", {T::numeric, T::numeric}, T::numeric, "understudy_remainder_numeric({0}, {1})"},
        {"round", {T::numeric}, T::numeric, "understudy_numeric_round({0}, 0)"},
        {"round", {T::numeric, T::int4}, T::numeric, "understudy_numeric_round({0}, {1})"},
        {"round", {T::float8}, T::float8, "understudy_float_round({0})"},
        {"trunc", {T::numeric}, T::numeric, "understudy_numeric_trunc({0}, 0)"},
        {"trunc", {T::numeric, T::int4}, T::numeric, "understudy_numeric_trunc({0}, {1})"},
        {"trunc", {T::float8}, T::float8, "understudy_float_trunc({0})"},
        {"floor", {T::numeric}, T::numeric, "understudy_numeric_floor({0})"},
        {"floor", {T::float8}, T::float8, "understudy_float_floor({0})"},
        {"ceil", {T::numeric}, T::numeric, "understudy_numeric_ceil({0})"},
        {"ceil", {T::float8}, T::float8, "understudy_float_ceil({0})"},
        {"ceiling", {T::numeric}, T::numeric, "understudy_numeric_ceil({0})"},
        {"ceiling", {T::float8}, T::float8, "understudy_float_ceil({0})"},
        {"sign", {T::numeric}, T::numeric, "understudy_numeric_sign({0})"},
        {"sign", {T::float8}, T::float8, "CAST(({0} > 0) - ({0} < 0) AS REAL)"},
        {"sqrt", {T::float8}, T::float8, "understudy_sqrt({0})"},
        {"power", {T::float8, T::float8}, T::float8, "understudy_power({0}, {1})"},
        {"pow", {T::float8, T::float8}, T::float8, "understudy_power({0}, {1})"},
        {"random", {}, T::float8, "understudy_random()"},
    };
}

std::vector<FunctionRow> moment_functions() {
    return {
        {"now", {}, T::timestamptz, "understudy_now()"},
        {"transaction_timestamp", {}, T::timestamptz, "understudy_now()"},
        {"statement_timestamp", {}, T::timestamptz, "understudy_statement_now()"},
        {"clock_timestamp", {}, T::timestamptz, "understudy_clock()"},
        {"date_trunc", {T::text, T::timestamptz}, T::timestamptz, "understudy_date_trunc({0}, {1}, 1)"},
        {"date_trunc", {T::text, T::timestamp}, T::timestamp, "understudy_date_trunc({0}, {1}, 0)"},
        {"to_timestamp", {T::float8}, T::timestamptz, "understudy_from_epoch({0})"},
    };
}

std::vector<FunctionRow> system_functions() {
    return {
        {"version", {}, T::text, "understudy_version()"},
        {"current_database", {}, T::name, "understudy_current_database()"},
        {"current_schema", {}, T::name, "'public'"},
        {"current_setting", {T::text}, T::text, "understudy_setting({0}, 0)"},
        {"current_setting", {T::text, T::boolean}, T::text, "understudy_setting({0}, {1})"},
        {"pg_backend_pid", {}, T::int4, "understudy_backend_pid()"},
        {"pg_is_in_recovery", {}, T::boolean, "0"},
        {"pg_sleep", {T::float8}, T::text, "understudy_sleep({0})"},
        {"pg_notify", {T::text, T::text}, T::text, "understudy_notify({0}, {1})"},
        {"gen_random_uuid", {}, T::uuid, "understudy_uuid()"},
        {"pg_table_is_visible", {T::oid}, T::boolean, "({0} IS NOT NULL)"},
        {"pg_type_is_visible", {T::oid}, T::boolean, "({0} IS NOT NULL)"},
        {"pg_function_is_visible", {T::oid}, T::boolean, "({0} IS NOT NULL)"},
        {"pg_get_userbyid", {T::oid}, T::name, "understudy_current_user()"},
        {"format_type", {T::oid, T::int4}, T::text, "understudy_format_type({0}, {1})"},
        {"pg_get_expr", {T::text, T::oid}, T::text, "{0}"},
        {"pg_get_expr", {T::text, T::oid, T::boolean}, T::text, "{0}"},
        {"pg_get_indexdef", {T::oid}, T::text, "understudy_index_definition({0})"},
        {"pg_get_indexdef", {T::oid, T::int4, T::boolean}, T::text, "understudy_index_definition({0})"},
        {"pg_get_constraintdef", {T::oid}, T::text, "understudy_constraint_definition({0})"},
        {"pg_get_constraintdef", {T::oid, T::boolean}, T::text, "understudy_constraint_definition({0})"},
        {"obj_description", {T::oid, T::name}, T::text, "NULL"},
        {"col_description", {T::oid, T::int4}, T::text, "NULL"},
        {"shobj_description", {T::oid, T::name}, T::text, "NULL"},
        {"pg_relation_is_publishable", {T::regclass}, T::boolean, "0"},
        {"pg_get_statisticsobjdef_columns", {T::oid}, T::text, "NULL"},
        {"pg_advisory_unlock_all", {}, T::text, "''"},
        {"pg_encoding_to_char", {T::int4}, T::name, "'UTF8'"},
        {"has_table_privilege", {T::oid, T::text}, T::boolean, "1"},
        {"has_schema_privilege", {T::text, T::text}, T::boolean, "1"},
        {"has_database_privilege", {T::text, T::text}, T::boolean, "1"},
    };
}

template <std::size_t count>
bool one_of(std::string_view name, const std::array<std::string_view, count>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const std::vector<FunctionRow>& function_table() {
    static const std::vector<FunctionRow> table = [] {
        std::vector<FunctionRow> all;
        for (auto rows : {text_functions(), number_functions(), moment_functions(), system_functions()})
            all.insert(all.end(), rows.begin(), rows.end());
        return all;
    }();
    return table;
}

bool is_aggregate(std::string_view name) {
    constexpr std::array<std::string_view, 11> names = {"count",      "sum",       "avg",     "min",
                                                        "max",        "bool_and",  "bool_or", "every",
                                                        "string_agg", "array_agg", "json_agg"};
    return one_of(name, names);
}

bool is_window_function(std::string_view name) {
    constexpr std::array<std::string_view, 10> names = {
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist",
        "ntile",      "lag",  "lead",       "first_value",  "last_value"};
    return one_of(name, names);
}

}  // namespace understudy::database
