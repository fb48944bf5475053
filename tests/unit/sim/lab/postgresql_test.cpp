// SPDX-License-Identifier: Apache-2.0
// What `engine: postgresql` makes of a database's host, and of no other; what it needs of the machine.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/json.hpp"
#include "sim/lab/database_requirements.hpp"
#include "sim/lab/plan.hpp"
#include "sim/topology/reader.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::lab {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* setting = "databases.corda-db.engine=postgresql";

topology::Topology fast(const std::vector<std::string>& settings) {
    auto read = topology::load_topology(test::source_directory() / "topologies/corda-ha-fast.yaml", settings);
    EXPECT_TRUE(read.has_value()) << read.error().message();
    return std::move(*read);
}

class PostgresqlPlan : public testing::Test {
  protected:
    HostPlan plan_of(const std::string& host, const std::vector<std::string>& settings) {
        const topology::Topology topology = fast(settings);
        accounts_ = make_accounts(topology);
        for (HostPlan& plan : plan_hosts(topology, topology::HostWorld::pod, accounts_))
            if (plan.name == host) return std::move(plan);
        ADD_FAILURE() << "no host " << host;
        return {};
    }
    static std::string file_of(const HostPlan& plan, const std::string& path, std::uint32_t mode) {
        for (const auto& file : plan.config.files)
            if (file.path == path) {
                EXPECT_EQ(file.mode, mode) << path;
                return file.content;
            }
        ADD_FAILURE() << "no file " << path;
        return {};
    }
    Accounts accounts_;
};

// The JDBC driver refuses accounts of fewer than 4096; our own node's log-ins are quick in an emulated guest.
TEST_F(PostgresqlPlan, accounts_have_the_usual_iterations_where_a_program_of_the_users_own_logs_in) {
    for (const std::string& engine :
         {std::string("databases.corda-db.engine=sqlite"), std::string(setting)}) {
        const auto said = [&](const std::vector<std::string>& settings) {
            std::string all;
            for (const auto& file : plan_of("corda-db", settings).config.files) all += file.content;
            return all;
        };
        EXPECT_THAT(said({engine}), testing::ContainsRegex("\"scram_iterations\":16[,}]"));
        EXPECT_THAT(said({engine, "nodes.party-a.program=/opt/node"}),
                    HasSubstr("\"scram_iterations\":4096"));
    }
}

TEST_F(PostgresqlPlan, the_server_listens_on_the_databases_address_and_forgets_nothing) {
    const HostPlan plan = plan_of("corda-db", {setting, "databases.corda-db.port=6543"});
    const std::string settings = file_of(plan, "/etc/understudy/postgresql.conf", 0644);
    for (const char* line : {"listen_addresses = '203.0.113.30'\n", "port = 6543\n", "fsync = on\n",
                             "synchronous_commit = on\n", "wal_level = minimal\n", "max_wal_senders = 0\n",
                             "timezone = 'UTC'\n", "idle_in_transaction_session_timeout = '500ms'\n"})
        EXPECT_THAT(settings, HasSubstr(line));
    ASSERT_EQ(plan.config.units.size(), 1u);
    EXPECT_EQ(plan.config.units.front().name, "database");
    EXPECT_EQ(plan.config.units.front().argv.front(), "/opt/understudy/bin/understudy-postgresql");
    EXPECT_EQ(plan.units_awaited, std::vector<std::string>{"database"});
    EXPECT_EQ(plan.units_ended, std::vector<std::string>{"database"});
    EXPECT_TRUE(plan.copies_database_template);
}

TEST_F(PostgresqlPlan, only_the_accounts_of_its_nodes_come_in_and_only_with_their_password) {
    const HostPlan plan = plan_of("corda-db", {setting});
    EXPECT_EQ(file_of(plan, "/etc/understudy/pg_hba.conf", 0644),
              "local all \"Understudy\" trust\n"
              "host \"vault\" \"party_a\" 0.0.0.0/0 scram-sha-256\n");
    EXPECT_EQ(file_of(plan, "/etc/understudy/passwords/party_a", 0600),
              accounts_.at("party-a").password + "\n");
    const auto service = json::parse(file_of(plan, "/etc/understudy/database.json", 0644)).as_object();
    EXPECT_EQ(service.at("users").as_object().size(), 1u);
    EXPECT_EQ(service.at("users").at("party_a").at("password_file").as_string(),
              "/etc/understudy/passwords/party_a");
    for (const auto& file : plan.config.files)
        if (file.mode != 0600) {
            EXPECT_THAT(file.content, testing::Not(HasSubstr(accounts_.at("party-a").password))) << file.path;
        }
}

TEST_F(PostgresqlPlan, our_own_service_and_the_private_databases_are_as_before) {
    const HostPlan own = plan_of("corda-db", {});
    EXPECT_EQ(own.config.units.front().argv.front(), "/opt/understudy/bin/understudy-db");
    EXPECT_FALSE(own.copies_database_template);
    EXPECT_THAT(own.units_ended, IsEmpty());
    const HostPlan other = plan_of("party-b", {setting});
    EXPECT_EQ(other.config.units.front().argv.front(), "/opt/understudy/bin/understudy-db");
    EXPECT_FALSE(other.copies_database_template);
}

class PostgresqlPackage : public testing::Test {
  protected:
    std::string package_of(const std::string& os_release) {
        return postgresql_package(scratch_.write("os-release", os_release));
    }
    const test::ScratchDirectory scratch_;
    const std::filesystem::path folder_ = scratch_.path();
};

TEST_F(PostgresqlPackage, is_the_distributions_own) {
    EXPECT_EQ(package_of("ID=debian\nVERSION_ID=\"12\"\n"), "postgresql-15");
    EXPECT_EQ(package_of("VERSION_ID=\"24.04\"\nID=ubuntu\n"), "postgresql-16");
    EXPECT_EQ(package_of("ID=arch\n"), "postgresql");
}

TEST_F(PostgresqlPackage, is_asked_for_by_a_topology_with_such_a_database_and_by_no_other) {
    EXPECT_THAT(database_requirements(fast({}), folder_), IsEmpty());
    const auto missing = database_requirements(fast({setting}), folder_);
    ASSERT_EQ(missing.size(), 1u);
    EXPECT_FALSE(missing.front().ok);
    EXPECT_THAT(missing.front().detail, HasSubstr(folder_.string()));
    EXPECT_EQ(missing.front().remedy, "run: sudo apt-get install " + missing.front().name);
    for (const char* program : {"15/bin/initdb", "15/bin/postgres"})
        std::filesystem::permissions(scratch_.write(program, ""), std::filesystem::perms::owner_all);
    const auto met = database_requirements(fast({setting}), folder_);
    ASSERT_EQ(met.size(), 1u);
    EXPECT_TRUE(met.front().ok);
    EXPECT_THAT(database_requirements(fast({}), folder_), IsEmpty());
}

}  // namespace
}  // namespace understudy::lab
