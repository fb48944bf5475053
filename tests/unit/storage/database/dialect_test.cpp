// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/dialect.hpp"

#include <gtest/gtest.h>

#include "storage/database/core/tokens.hpp"
#include "storage/database/core/types.hpp"

namespace understudy::database {
namespace {

std::string translated(const std::string& sql) {
    const auto tokens = tokenize(sql);
    if (tokens.has_error()) return tokens.error().sqlstate;
    const auto statement = translate(*tokens);
    return statement.has_error() ? statement.error().sqlstate : statement->sql;
}

TEST(Tokens, quotes_and_comments_hide_what_is_in_them) {
    EXPECT_EQ(
        translated("select 'current_timestamp ; ''$1', \"Now()\" -- now()\n /* a /* b */ c */ , $$x'y$$"),
        "select 'current_timestamp ; ''$1' , \"Now()\" , 'x''y'");
    EXPECT_EQ(split_statements(*tokenize("a;;b ';' ; ")).size(), 2u);
    EXPECT_EQ(translated("select 'x"), "42601");
}

TEST(Dialect, the_lease_query_is_translated) {
    EXPECT_EQ(translated("SELECT (EXTRACT(EPOCH FROM (CURRENT_TIMESTAMP - ts)) * 1000)::bigint AS age_ms "
                         "FROM m WHERE v = $1"),
              "select understudy_to_int8((understudy_epoch_difference(understudy_now(), ts) * 1000)) as "
              "age_ms from m "
              "where v = ?1");
}

TEST(Dialect, casts_bind_to_the_operand_before_them) {
    EXPECT_EQ(translated("select a.b::text, f(1, 2)::int, cast($1 as boolean)"),
              "select understudy_to_text(a.b) , understudy_to_int4(f(1 , 2)) , understudy_to_boolean(?1)");
}

TEST(Dialect, nulls_are_ordered_as_in_postgresql) {
    EXPECT_EQ(translated("select a from t order by a, b desc limit 1"),
              "select a from t ORDER BY a NULLS LAST , b desc NULLS FIRST limit 1");
}

TEST(Dialect, what_would_be_answered_otherwise_is_refused_by_name) {
    for (const char* sql :
         {"select now() - x from t", "select a / b from t", "select E'\\n'", "select a[1] from t",
          "copy t from stdin", "select interval '1 s'", "select x from t for update skip locked",
          "create table t (n numeric)", "select a ilike 'b' from t"})
        EXPECT_EQ(translated(sql), "0A000") << sql;
    EXPECT_EQ(translated("insert or replace into t values (1)"), "42601");
    EXPECT_EQ(translated("pragma journal_mode"), "42601");
    EXPECT_EQ(translated("select 1)"), "42601");
}

TEST(Types, a_timestamp_is_stored_in_one_form_whatever_its_zone) {
    EXPECT_EQ(stored_timestamp(*parse_timestamp("2026-01-31T12:00:00.5+02:00"), true),
              "2026-01-31 10:00:00.500000+00");
    EXPECT_EQ(shown_timestamp("2026-01-31 10:00:00.500000+00"), "2026-01-31 10:00:00.5+00");
    EXPECT_EQ(shown_timestamp("2026-01-31 10:00:00.000000+00"), "2026-01-31 10:00:00+00");
    EXPECT_FALSE(parse_timestamp("2026-02-30").has_value());
}

}  // namespace
}  // namespace understudy::database
