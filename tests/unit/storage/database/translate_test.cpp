// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/translate.hpp"

#include <gtest/gtest.h>

#include "storage/database/sql/nesting.hpp"

namespace understudy::database {
namespace {

class SomeTables : public Catalog {
  public:
    SomeTables() {
        t_.name = "t";
        t_.sql = "\"t\"";
        for (const auto& [name, type] :
             {std::pair("id", SqlType::int4), std::pair("name", SqlType::text),
              std::pair("n", SqlType::numeric), std::pair("at", SqlType::timestamptz),
              std::pair("flag", SqlType::boolean)})
            t_.columns.push_back({name, {type, -1}, false, {}, false, false, false});
        t_.primary_key = {"id"};
    }
    const Table* find(std::string_view, std::string_view name) const override {
        return name == "t" ? &t_ : nullptr;
    }

  private:
    Table t_;
};

SqlResult<Statement> translated(const std::string& sql, const std::vector<SqlType>& declared = {}) {
    auto tree = ParseTree::parse(sql);
    if (tree.has_error()) return tree.error();
    return translate(tree->statement(0), SomeTables(), declared);
}
std::string sql_of(const std::string& sql) {
    const auto statement = translated(sql);
    return statement.has_error() ? statement.error().sqlstate + " " + statement.error().message
                                 : statement->sql;
}
std::vector<SqlType> parameters_of(const std::string& sql) {
    const auto statement = translated(sql);
    EXPECT_TRUE(statement.has_value()) << sql;
    return statement->parameters;
}

TEST(Translate, the_lease_query_is_translated_with_its_types) {
    EXPECT_EQ(sql_of("SELECT (EXTRACT(EPOCH FROM (CURRENT_TIMESTAMP - at)) * 1000)::bigint AS age_ms FROM t "
                     "WHERE id = $1"),
              "SELECT understudy_to_int8(understudy_multiply_numeric(understudy_extract('epoch', "
              "understudy_moment_difference(understudy_now(), \"t\".\"at\"), 1186, 1), CAST(1000 AS TEXT))) "
              "AS \"age_ms\" "
              "FROM \"t\" AS \"t\" WHERE (\"t\".\"id\" = ?1)");
}

TEST(Translate, a_parameter_has_the_type_of_the_place_where_it_stands) {
    using T = SqlType;
    EXPECT_EQ(parameters_of("select * from t where id = $1 and name = $2 and at > $3"),
              (std::vector{T::int4, T::text, T::timestamptz}));
    EXPECT_EQ(parameters_of("insert into t (id, n, flag) values ($1, $2, $3)"),
              (std::vector{T::int4, T::numeric, T::boolean}));
    EXPECT_EQ(parameters_of("update t set n = n + $1 where id in ($2, $3)"),
              (std::vector{T::numeric, T::int4, T::int4}));
    EXPECT_EQ(parameters_of("select $1, $2::date, now() - $3::interval limit $4"),
              (std::vector{T::text, T::date, T::interval, T::int8}));
    EXPECT_EQ(translated("select $1", {T::int8})->parameters, (std::vector{T::int8}));
}

TEST(Translate, result_columns_have_postgresql_names_and_types) {
    const auto statement =
        translated("select id, 1 + 1, n * 2, count(*) over (), at::date, 'x'::varchar(3), now() as w from t");
    ASSERT_TRUE(statement.has_value());
    std::string text;
    for (const auto& column : statement->columns) text += column.name + ":" + type_name(column.type) + " ";
    EXPECT_EQ(
        text,
        "id:integer ?column?:integer ?column?:numeric count:bigint at:date varchar:character varying(3) "
        "w:timestamp with time zone ");
}

TEST(Translate, literals_are_read_by_the_type_beside_them) {
    EXPECT_EQ(sql_of("select id from t where at = '2026-01-01'"),
              "SELECT \"t\".\"id\" AS \"id\" FROM \"t\" AS \"t\" WHERE (\"t\".\"at\" = '2026-01-01 "
              "00:00:00.000000+00')");
    EXPECT_EQ(sql_of("select id from t where flag = 'yes'").substr(0, 60),
              sql_of("select id from t where flag = true").substr(0, 60));
    EXPECT_EQ(translated("select id from t where id = 'x'").error().sqlstate, "22P02");
}

TEST(Translate, errors_carry_postgresql_codes) {
    const std::pair<const char*, const char*> cases[] = {
        {"select nope from t", "42703"},
        {"select * from nope", "42P01"},
        {"select t.id from t x", "42P01"},
        {"select id from t, t", "42712"},
        {"select id from t a, t b", "42702"},
        {"select id + name from t", "42883"},
        {"select foo(1)", "42883"},
        {"select id from t where name", "42804"},
        {"select name from t group by id + 1", "42803"},
        {"select id from t where count(*) > 1", "42803"},
        {"update t set id = true", "42804"},
        {"insert into t (id) values (1, 2)", "42601"},
        {"select 1 union select 1, 2", "42601"},
        {"select case when flag then 1 else now() end from t", "42804"},
        {"select 'a'::nosuchtype", "42704"},
        {"select 1 +", "42601"},
    };
    for (const auto& [sql, state] : cases) {
        const auto statement = translated(sql);
        ASSERT_TRUE(statement.has_error()) << sql;
        EXPECT_EQ(statement.error().sqlstate, state) << sql << ": " << statement.error().message;
    }
}

TEST(Translate, what_is_not_known_is_refused_by_name) {
    for (const char* sql : {"select sum(id) over (w order by id) from t window w as ()",
                            "select array[array[1]]",
                            "select union select",
                            "select (array[1, 2])[1:2][1:1]",
                            "select array_agg(id) over () from t",
                            "select id from t for update skip locked",
                            "create view v as select 1 with check option",
                            "create view v as select id from t for update",
                            "explain (format json) select 1",
                            "declare c binary cursor for select 1",
                            "merge into t using t s on true when matched then delete",
                            "select xmlparse(document 'x')",
                            "select grouping(id) from t group by rollup (id)",
                            "select '1'::money",
                            "select * from t tablesample system (1)",
                            "create table x (r int4range)",
                            "select 'a'::char(2)[]",
                            "create table x (like t)",
                            "select nextval(name) from t",
                            "create table x (id int generated always as identity)",
                            "alter table t add column x serial",
                            "select distinct on (row_number() over ()) id from t",
                            "select (select name from t as x order by id limit t.id) from t",
                            "select array(select x.id + t.id from t as x order by x.id + t.id + 1) from t",
                            "create table x as select",
                            "insert into t select"}) {
        const auto statement = translated(sql);
        ASSERT_TRUE(statement.has_error()) << sql;
        EXPECT_TRUE(statement.error().sqlstate == "0A000" || statement.error().sqlstate == "42883")
            << sql << ": " << statement.error().message;
    }
}

TEST(Translate, an_error_names_the_place_in_the_text) {
    EXPECT_EQ(translated("select id, nope from t").error().position, 12);
    EXPECT_EQ(translated("select 1 +").error().position, 11);
}

TEST(Translate, deep_nesting_is_refused_before_the_stack_is) {
    std::string sql = "select ";
    for (int i = 0; i < 3'000; ++i) sql += "(1 + ";
    sql += "1";
    sql.append(3'000, ')');
    EXPECT_EQ(translated(sql).error().sqlstate, "54001");
    std::string chain = "select 1";
    for (int i = 0; i < 20'000; ++i) chain += " + 1";
    EXPECT_TRUE(translated(chain).has_error());
}

TEST(Nesting, side_by_side_is_not_deep) {
    std::string values = "insert into t values (1, 'a')";
    for (int i = 0; i < 10'000; ++i) values += ", (2, 'b;(')";
    EXPECT_LT(nesting_bound(values), 20u);
    EXPECT_EQ(nesting_bound("((1))"), 4u);
    EXPECT_LT(
        nesting_bound("select '((((', E'\\'((((', $$((($$, $a$ (( $a$, \"((\" -- ((((\n /* (( /* (( */ */"),
        4u);
    EXPECT_GE(nesting_bound("select a$b$((((((c$b$"), 7u) << "a dollar inside a word quotes nothing";
}

TEST(Translate, equal_column_names_stay_apart) {
    EXPECT_EQ(
        sql_of("insert into t (id, name) select id + 1, name || 'x' from t"),
        "INSERT INTO \"t\" AS \"t\" (\"id\", \"name\") SELECT \"?column?\", \"?column?:2\" FROM (SELECT "
        "understudy_add_int4(\"t\".\"id\", 1) AS \"?column?\", (\"t\".\"name\" || 'x') AS \"?column?:2\" "
        "FROM \"t\" AS "
        "\"t\") WHERE true");
}

}  // namespace
}  // namespace understudy::database
