// SPDX-License-Identifier: Apache-2.0
// Programs of others against our service, and the same against PostgreSQL: what they print has to be equal.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "tests/conformance/database/servers.hpp"

namespace understudy::test {
namespace {

using namespace std::chrono_literals;

std::string output(const DatabaseServer& server, std::vector<std::string> command) {
    RunOptions options;
    options.environment = server.environment();
    options.environment["TZ"] = "UTC";
    options.limit = 120s;
    const auto outcome = run(command, options);
    EXPECT_EQ(outcome.status, 0) << server.name() << ": " << outcome.out << outcome.err;
    return outcome.out;
}

void expect_equal_output(const std::vector<std::string>& command) {
    const auto command_for = [&](const DatabaseServer& server) {
        auto whole = command;
        whole.push_back(std::to_string(server.port()));
        return whole;
    };
    OurServer ours;
    const std::string actual = output(ours, command_for(ours));
    EXPECT_FALSE(actual.empty());
    if (!PostgresServer::installed()) GTEST_SKIP() << "no PostgreSQL server here to compare with";
    PostgresServer theirs;
    EXPECT_EQ(actual, output(theirs, command_for(theirs)));
}

std::string client(const char* name) {
    return (source_directory() / "tests/conformance/database/clients" / name).string();
}

TEST(Clients, an_application_with_the_jdbc_driver_sees_what_it_sees_with_postgresql) {
    const char* driver = "/usr/share/java/postgresql.jar";
    if (!std::filesystem::exists(driver) || run({"javac", "-version"}).status != 0)
        GTEST_SKIP()
            << "no Java compiler or driver here (Debian: default-jdk-headless, libpostgresql-jdbc-java)";
    expect_equal_output({"java", "-cp", driver, client("Jdbc.java")});
}

TEST(Clients, an_application_with_asyncpg_sees_what_it_sees_with_postgresql) {
    if (run({"/usr/bin/python3", "-c", "import asyncpg"}).status != 0)
        GTEST_SKIP() << "no asyncpg here (Debian: python3-asyncpg)";
    expect_equal_output({"/usr/bin/python3", client("asyncpg_client.py")});
}

// Other statements, and more: UNDERSTUDY_STATEMENTS="SEED COUNT".
TEST(Clients, statements_of_any_shape_have_the_rows_and_errors_that_postgresql_gives) {
    if (run({"/usr/bin/python3", "-c", "import asyncpg"}).status != 0)
        GTEST_SKIP() << "no asyncpg here (Debian: python3-asyncpg)";
    if (!PostgresServer::installed()) GTEST_SKIP() << "no PostgreSQL server here (Debian: postgresql-15)";
    std::string seed = "1", count = "2000";
    if (const char* wanted = std::getenv("UNDERSTUDY_STATEMENTS"))
        std::istringstream(wanted) >> seed >> count;
    OurServer ours;
    PostgresServer theirs;
    RunOptions options;
    options.limit = 30s + std::chrono::milliseconds(50) * std::stol(count);
    const auto outcome = run({"/usr/bin/python3", client("compare_servers.py"), seed, count,
                              std::to_string(ours.port()), std::to_string(theirs.port())},
                             options);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

TEST(Clients, pgbench_fills_its_tables_and_runs_in_all_protocol_modes) {
    if (run({"pgbench", "--version"}).status != 0) GTEST_SKIP() << "no pgbench here (Debian: postgresql-15)";
    OurServer server;
    output(server, {"pgbench", "-i", "-s", "1", "-q"});
    for (const char* mode : {"simple", "extended", "prepared"}) {
        const std::string report = output(server, {"pgbench", "-n", "-M", mode, "-c", "4", "-t", "50"});
        EXPECT_NE(report.find("number of transactions actually processed: 200/200"), std::string::npos)
            << report;
        EXPECT_NE(report.find("number of failed transactions: 0"), std::string::npos) << report;
    }
    const auto connection = server.connect();
    EXPECT_EQ(server.value(connection, "select sum(abalance) from pgbench_accounts"),
              server.value(connection, "select sum(delta) from pgbench_history"));
    EXPECT_EQ(server.value(connection, "select sum(bbalance) from pgbench_branches"),
              server.value(connection, "select sum(tbalance) from pgbench_tellers"));
    EXPECT_EQ(server.value(connection, "select count(*) from pgbench_history"), "600");
}

}  // namespace
}  // namespace understudy::test
