// SPDX-License-Identifier: Apache-2.0
// The statements of sql/ through psql, on our service and on PostgreSQL: the same rows, types, tags,
// SQLSTATEs and messages. What is known to differ, and why, is listed in docs/database.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/conformance/database/servers.hpp"

namespace understudy::test {
namespace {

// One line each, without what we don't send (details, hints) and psql's picture of the place.
std::vector<std::string> comparable(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        constexpr std::string_view left_out[] = {"DETAIL:", "HINT:", "LOCATION:", "CONTEXT:", "LINE "};
        const bool more = std::any_of(std::begin(left_out), std::end(left_out),
                                      [&](std::string_view start) { return line.starts_with(start); });
        if (more || line.ends_with(" NAME:") || line.find_first_not_of(" ^") == std::string::npos) continue;
        if (line.starts_with("SCHEMA NAME") || line.starts_with("TABLE NAME") ||
            line.starts_with("COLUMN NAME") || line.starts_with("CONSTRAINT NAME"))
            continue;
        // SQLite doesn't say which foreign key it was.
        if (const auto at = line.find("ERROR:  23503:"); at != std::string::npos) line.resize(at + 14);
        lines.push_back(line);
    }
    return lines;
}

std::string answers(const DatabaseServer& server, const std::filesystem::path& file) {
    RunOptions options;
    options.environment = server.environment();
    // stderr goes where stdout goes, so that errors stay at their statements.
    const auto outcome =
        run({"sh", "-c", "exec psql -X -a -v VERBOSITY=verbose -f \"$0\" 2>&1", file.string()}, options);
    EXPECT_FALSE(outcome.timed_out);
    return outcome.out;
}

class Answers : public testing::TestWithParam<std::string> {};

TEST_P(Answers, are_those_of_postgresql) {
    if (!PostgresServer::installed()) GTEST_SKIP() << "no PostgreSQL server here (Debian: postgresql-15)";
    const auto file = source_directory() / "tests/conformance/database/sql" / (GetParam() + ".sql");
    OurServer ours;
    PostgresServer theirs;
    const auto expected = comparable(answers(theirs, file)), actual = comparable(answers(ours, file));
    ASSERT_GT(expected.size(), 50u) << "psql did not run";
    for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
        const std::string want = i < expected.size() ? expected[i] : "(end)";
        const std::string have = i < actual.size() ? actual[i] : "(end)";
        ASSERT_EQ(have, want) << "line " << i << " of the answers, after: " << (i > 0 ? expected[i - 1] : "");
    }
}

INSTANTIATE_TEST_SUITE_P(Files, Answers,
                         testing::Values("numbers", "texts", "moments", "queries", "changes", "documents",
                                         "arrays", "relations", "cursors", "places", "collations"),
                         [](const auto& parameter) { return parameter.param; });

TEST(Explain, shows_the_plan_that_sqlite_follows_and_runs_only_where_it_is_asked_to) {
    OurServer server;
    const auto client = server.connect();
    server.run(client, "create table t (id int primary key, n int)");
    server.run(client, "insert into t values (1, 1), (2, 2)");
    const auto plan = [&](const std::string& sql) {
        const auto answer = server.run(client, sql);
        std::string text = state_of(answer);
        for (int row = 0; row < PQntuples(answer.get()); ++row)
            text += PQgetvalue(answer.get(), row, 0) + std::string("\n");
        return text;
    };
    EXPECT_NE(plan("explain select * from t where id = 1").find("INTEGER PRIMARY KEY"), std::string::npos);
    EXPECT_NE(plan("explain select * from t where id = any('{1,2}')").find("INTEGER PRIMARY KEY"),
              std::string::npos)
        << plan("explain select * from t where id = any('{1,2}')");
    EXPECT_NE(plan("explain select * from t where n = 1").find("SCAN t"), std::string::npos);
    EXPECT_EQ(plan("explain (costs off) delete from t").substr(0, 5), "DELET");
    EXPECT_EQ(server.value(client, "select count(*) from t"), "2");
    const std::string analyzed = plan("explain analyze delete from t where id = 1 returning n");
    EXPECT_NE(analyzed.find("Actual Rows: 1"), std::string::npos) << analyzed;
    EXPECT_NE(analyzed.find("Execution Time: "), std::string::npos) << analyzed;
    EXPECT_EQ(server.value(client, "select count(*) from t"), "1");
    EXPECT_EQ(plan("explain (format json) select 1"), "0A000");
    EXPECT_EQ(plan("explain create table x as select 1 as one"), "0A000");
}

TEST(Cursors, together_hold_no_more_than_their_share) {
    OurServer server;
    const auto client = server.connect();
    server.run(client, "begin");
    const char* declare = "declare {} cursor for select repeat('x', 1000000) from generate_series(1, 40)";
    EXPECT_EQ(state_of(server.run(client, fmt::format(fmt::runtime(declare), "a"))), "");
    EXPECT_EQ(state_of(server.run(client, fmt::format(fmt::runtime(declare), "b"))), "54000");
}

TEST(Psql, describes_relations) {
    OurServer server;
    RunOptions options;
    options.environment = server.environment();
    const auto client = server.connect();
    server.run(
        client,
        "create table stock (id bigserial primary key, code varchar(8) unique not null, price numeric(8,2), "
        "seen timestamptz default now())");
    server.run(client, "create index stock_price on stock (price)");
    const auto ask = [&](const char* command) { return run({"psql", "-X", "-c", command}, options).out; };
    server.run(client,
               "create view dear as select code, price * 2 as twice, seen from stock where price > 9");
    const std::string view = ask("\\d dear");
    for (const char* part : {"View \"public.dear\"", "code   | character varying(8)", "twice  | numeric",
                             "seen   | timestamp with time zone"})
        EXPECT_NE(view.find(part), std::string::npos) << part << " in\n" << view;
    EXPECT_NE(ask("\\dv").find("public | dear | view | tester"), std::string::npos) << ask("\\dv");
    const std::string table = ask("\\d stock");
    for (const char* part :
         {"id     | bigint", "code   | character varying(8)", "price  | numeric(8,2)",
          "timestamp with time zone", "not null", "now()", "\"stock_pkey\" PRIMARY KEY, btree (id)",
          "\"stock_code_key\" UNIQUE CONSTRAINT, btree (code)", "\"stock_price\" btree (price)"})
        EXPECT_NE(table.find(part), std::string::npos) << part << " in\n" << table;
    EXPECT_NE(ask("\\dt").find("public | stock | table | tester"), std::string::npos);
    EXPECT_NE(ask("\\l").find("trial"), std::string::npos);
    EXPECT_NE(ask("\\di").find("stock_price"), std::string::npos);
    EXPECT_NE(ask("\\du").find("tester"), std::string::npos);
    EXPECT_NE(ask("\\d nothing").size() + 1, 0u);
}

}  // namespace
}  // namespace understudy::test
