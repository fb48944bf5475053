// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/reader.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "sim/topology/queries.hpp"
#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::topology {
namespace {

using testing::HasSubstr;

TEST(TopologyReader, every_file_in_topologies_is_accepted_without_a_warning) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(topologies())) {
        if (entry.path().extension() != ".yaml") continue;
        ++count;
        const auto topology = load_topology(entry.path().string());
        ASSERT_TRUE(topology.has_value()) << topology.error().message();
        EXPECT_THAT(topology->warnings, testing::IsEmpty());
        EXPECT_FALSE(topology->scenarios.empty());
    }
    EXPECT_GE(count, 3);
}

TEST(TopologyReader, the_guides_numbers_and_the_defaults_are_there) {
    const auto read = load_topology(topologies() + "/corda-ha.yaml");
    ASSERT_TRUE(read.has_value()) << read.error().message();
    const Topology& topology = *read;
    EXPECT_EQ(topology.nodes.at("party-a").mutual_exclusion.wait_interval, 40s);
    EXPECT_EQ(topology.nodes.at("party-a").restart_delay, 100ms);
    EXPECT_EQ(topology.load_balancers.at("corda-lb").probes.at("http").path, "/");
    EXPECT_EQ(topology.load_balancers.at("corda-lb").probes.at("p2p").timeout, 5s);
    EXPECT_EQ(to_string(topology.network.dns_address), "203.0.113.253");
    EXPECT_EQ(to_string(topology.network.probe_source), "203.0.113.254");
    EXPECT_EQ(topology.find_machine("corda-backup")->machine_name, "corda-backup");
    EXPECT_TRUE(topology.nodes.at("party-b").own_host);
    EXPECT_EQ(to_string(*topology.nodes.at("party-b").address), "203.0.113.101");
    EXPECT_EQ(to_string(topology.clients.at("app").address), "198.51.100.10");
    EXPECT_EQ(topology.virtual_machines.front().first, "corda-primary");
}

TEST(TopologyReader, a_file_that_extends_another_changes_only_what_it_names) {
    const auto fast = load_topology(topologies() + "/corda-ha-fast.yaml");
    ASSERT_TRUE(fast.has_value()) << fast.error().message();
    EXPECT_EQ(fast->name, "corda-ha-fast");
    EXPECT_EQ(fast->nodes.at("party-a").mutual_exclusion.wait_interval, 2s);
    EXPECT_EQ(fast->nodes.at("party-a").database, "corda-db");
    EXPECT_EQ(fast->load_balancers.at("corda-lb").probes.at("rpc").interval, 500ms);
    EXPECT_EQ(fast->load_balancers.at("corda-lb").probes.at("rpc").threshold, 2);
    EXPECT_EQ(fast->file_services.at("corda-files").client_lease, 2s);
}

TEST(TopologyReader, a_setting_is_laid_over_the_file_and_its_mistakes_are_named) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const auto set = load_topology(path, {"nodes.party-a.mutual_exclusion.wait_interval=50s"});
    ASSERT_TRUE(set.has_value()) << set.error().message();
    EXPECT_EQ(set->nodes.at("party-a").mutual_exclusion.wait_interval, 50s);
    EXPECT_THAT(
        refusal(load_topology(path, {"nodes.party-a.mutual_exclusion.wait_interval=20s"})),
        HasSubstr(
            "--set nodes.party-a.mutual_exclusion.wait_interval=20s: "
            "nodes.party-a.mutual_exclusion.wait_interval: 20s is not above the update_interval of 20s"));
    EXPECT_THAT(refusal(load_topology(path, {"nodes.party-a.databse=x"})),
                HasSubstr("did you mean 'database'?"));
}

TEST(TopologyReader, files_that_extend_each_other_in_a_circle_are_refused) {
    const std::string path = testing::TempDir() + fmt::format("circle-{}.yaml", ::getpid());
    std::ofstream(path) << "version: 1\nextends: " << std::filesystem::path(path).filename().string() << "\n";
    EXPECT_THAT(refusal(load_topology(path)), HasSubstr("in a circle"));
    std::filesystem::remove(path);
    EXPECT_THAT(refusal(parse_topology("version: 1\nextends: nowhere.yaml\n", "/nowhere/t.yaml")),
                HasSubstr("/nowhere/t.yaml:2:10: extends: /nowhere/nowhere.yaml: No such file"));
}

TEST(TopologyReader, a_databases_engine_is_our_own_or_postgresql) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const auto own = load_topology(path);
    ASSERT_TRUE(own.has_value()) << own.error().message();
    EXPECT_EQ(own->databases.at("corda-db").engine, DatabaseEngine::sqlite);
    EXPECT_FALSE(has_postgresql(*own));
    const auto real = load_topology(path, {"databases.corda-db.engine=postgresql"});
    ASSERT_TRUE(real.has_value()) << real.error().message();
    EXPECT_EQ(real->databases.at("corda-db").engine, DatabaseEngine::postgresql);
    EXPECT_TRUE(has_postgresql(*real));
    EXPECT_THAT(refusal(load_topology(path, {"databases.corda-db.engine=oracle"})),
                HasSubstr("--set databases.corda-db.engine=oracle: databases.corda-db.engine: 'oracle' is "
                          "not known; use one of sqlite, postgresql"));
}

TEST(TopologyReader, two_parties_keep_their_tables_in_one_database_only_where_it_keeps_them_apart) {
    const std::string path = topologies() + "/corda-ha.yaml", both = "nodes.party-b.database=corda-db";
    EXPECT_THAT(
        refusal(load_topology(path, {both})),
        HasSubstr("its database corda-db is also that of party-a, and its tables would be the same; give it "
                  "a database of its own, or the database engine: postgresql"));
    EXPECT_EQ(refusal(load_topology(path, {both, "databases.corda-db.engine=postgresql"})), "accepted");
}

TEST(TopologyReader, a_node_named_as_postgresql_names_nobody_is_refused_there_only) {
    const std::string database = "databases.own={address: 203.0.113.31}";
    const std::string node =
        "nodes.pg-b={legal_name: 'O=Party C, L=Oslo, C=NO', database: own, p2p_address: "
        "'pg-b.region.test:10010'}";
    const std::string path = topologies() + "/corda-ha.yaml";
    EXPECT_EQ(refusal(load_topology(path, {database, node})), "accepted");
    EXPECT_THAT(refusal(load_topology(path, {database, node, "databases.own.engine=postgresql"})),
                HasSubstr("nodes.pg-b: PostgreSQL has no account of the name 'pg-b'; give the node another"));
}

TEST(TopologyReader, machines_of_one_node_with_the_same_machine_name_are_refused) {
    const std::string path = topologies() + "/corda-ha.yaml";
    EXPECT_THAT(refusal(load_topology(path, {"virtual_machines.corda-primary.machine_name=same",
                                             "virtual_machines.corda-backup.machine_name=same"})),
                HasSubstr("'same' is also the machine name of corda-primary"));
    EXPECT_EQ(refusal(load_topology(path, {"virtual_machines.corda-primary.machine_name=one"})), "accepted");
}

}  // namespace
}  // namespace understudy::topology
