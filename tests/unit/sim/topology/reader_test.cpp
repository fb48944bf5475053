// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/reader.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/topology/queries.hpp"

namespace understudy::topology {
namespace {

using testing::HasSubstr;

std::string topologies() {
    return std::string(std::getenv("UNDERSTUDY_SOURCE_DIR")) + "/topologies";
}

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The guide's topology with one piece of its text replaced, as if it lay beside the original.
Result<Topology> guide_with(const std::string& piece, const std::string& replacement) {
    const std::string path = topologies() + "/corda-ha.yaml";
    std::string text = read_text(path);
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    if (at != std::string::npos) text.replace(at, piece.size(), replacement);
    return parse_topology(text, path);
}

std::string refusal(const Result<Topology>& result) {
    if (result.has_value()) return "accepted";
    EXPECT_EQ(result.error().kind, ErrorKind::bad_input);
    return result.error().message();
}

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

struct Mistake {
    const char* name;
    const char* piece;
    const char* replacement;
    const char* message;  // what the one line must contain, with its line and column where `place` is given
    const char* place = ":";
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
    *out << mistake.name;
}

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, is_refused_in_one_line_that_says_where_and_what_would_be_right) {
    const std::string message = refusal(guide_with(GetParam().piece, GetParam().replacement));
    EXPECT_THAT(message, HasSubstr(GetParam().message));
    EXPECT_THAT(message, testing::ContainsRegex("corda-ha\\.yaml:[0-9]+:[0-9]+: "));
    EXPECT_THAT(message, HasSubstr(GetParam().place));
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << message;
}

constexpr const char* b_address = "address: 192.0.2.12";
constexpr const char* b_p2p = "p2p_address: \"party-b.region.test:10010\"";
constexpr const char* http_rule =
    "name: http, protocol: tcp, frontend_port: 10004, backend_port: 10004, probe: http}";

INSTANTIATE_TEST_SUITE_P(
    Topology, Mistakes,
    testing::Values(
        Mistake{"unknown_key", "availability_set: corda-avail-set", "availibility_set: corda-avail-set",
                "did you mean 'availability_set'?", "corda-ha.yaml:24:5: "},
        Mistake{"unknown_section", "network_map: {", "networkmap: {", "did you mean 'network_map'?"},
        Mistake{"duplicate_address", b_address, "address: 192.0.2.11",
                "192.0.2.11 is also the address of virtual machine corda-primary", "corda-ha.yaml:30:14: "},
        Mistake{"address_of_the_dns_server", "203.0.113.20", "203.0.113.253",
                "is also the address of the zone's server"},
        Mistake{"machine_outside_its_network", b_address, "address: 192.0.3.12",
                "192.0.3.12 is outside the virtual_network network 192.0.2.0/24"},
        Mistake{"frontend_outside_its_network", "203.0.113.10,", "192.0.2.10,",
                "is outside the public network"},
        Mistake{"broadcast_address", b_address, "address: 192.0.2.255", "is the first or last address"},
        Mistake{"no_address", b_address, "address: 192.0.2", "is not an IPv4 address"},
        Mistake{"missing_probe", http_rule,
                "name: http, protocol: tcp, frontend_port: 10004, backend_port: 10004, probe: web}",
                "there is no probe 'web'; use one of http, p2p, rpc"},
        Mistake{"missing_machine", "[corda-primary, corda-backup]", "[corda-primary, corda-bakup]",
                "there is no virtual machine 'corda-bakup'"},
        Mistake{"missing_security_group", "security_group: corda", "security_group: cordax",
                "there is no security group 'cordax'"},
        Mistake{"missing_availability_set", "availability_set: corda-avail-set", "availability_set: none",
                "there is no availability set 'none'"},
        Mistake{"missing_database", "database: corda-db", "database: corda", "there is no database 'corda'"},
        Mistake{"missing_file_service", "mounts: {/mnt/cordastorage: corda-files}",
                "mounts: {/mnt/cordastorage: files}", "there is no file service 'files'"},
        Mistake{"missing_node", "calls: party-a", "calls: party-c", "there is no node 'party-c'"},
        Mistake{"share_outside_mounts", "share: /mnt/cordastorage", "share: /srv",
                "'/srv' is not below a mount of"},
        Mistake{"wait_not_above_update", "wait_interval: 40s", "wait_interval: 20s",
                "20s is not above the update_interval of 20s; a live active would lose its lease: use 40s"},
        Mistake{"p2p_address_of_every_interface", b_p2p, "p2p_address: \"0.0.0.0:10010\"",
                "0.0.0.0 is not an address that other nodes can call"},
        Mistake{"private_p2p_address", "corda-lb.region.test:10010", "192.0.2.11:10010",
                "192.0.2.11 is private to the virtual network"},
        Mistake{"p2p_name_of_a_machine", "corda-lb.region.test:10010", "corda-primary.region.test:10010",
                "is a virtual machine, whose address is private"},
        Mistake{"unknown_p2p_name", b_p2p, "p2p_address: \"party-x.region.test:10010\"",
                "nothing in the region has the name 'party-x.region.test'"},
        Mistake{"p2p_name_outside_the_zone", b_p2p, "p2p_address: \"party-b.example:10010\"",
                "is not in the zone"},
        Mistake{"p2p_port", b_p2p, "p2p_address: \"party-b.region.test:100010\"", "does not end in a port"},
        Mistake{"port_range", "ports: \"10004\"", "ports: \"10000-100015\"",
                "'10000-100015' is not a port or a range of ports from 1 to 65535"},
        Mistake{"port", "port: 10004, path", "port: 100040, path",
                "'100040' is not a whole number from 1 to 65535"},
        Mistake{"overlapping_networks", "public: 203.0.113.0/24", "public: 192.0.0.0/16",
                "'192.0.0.0/16' overlaps virtual_network 192.0.2.0/24"},
        Mistake{"priority_too_low", "priority: 100", "priority: 99",
                "'99' is not a whole number from 100 to 4096"},
        Mistake{"duplicate_priority", "priority: 110", "priority: 100",
                "priority 100 is also that of rule 'p2p'"},
        Mistake{"fault_domains", "fault_domains: 2", "fault_domains: 4",
                "'4' is not a whole number from 1 to 3"},
        Mistake{"update_domains", "update_domains: 5", "update_domains: 21",
                "'21' is not a whole number from 1 to 20"},
        Mistake{"exclusion_off", "{enabled: true, update_interval: 20s, wait_interval: 40s}",
                "{enabled: false}", "2 virtual machines carry it, but its mutual_exclusion is off"},
        Mistake{"private_database_for_two", "database: corda-db", "", "it has no shared database"},
        Mistake{"unknown_engine", "engine: sqlite", "engine: mysql",
                "databases.corda-db.engine: 'mysql' is not known; use one of sqlite, postgresql",
                "corda-ha.yaml:41:45: "},
        Mistake{"unknown_policy_of_mounts", "client_lease: 30s}", "client_lease: 30s, on_loss: wait}",
                "\"wait\": is neither hang nor error:DURATION; write hang, or error:10s",
                "corda-ha.yaml:38:81: "},
        Mistake{"name_taken", "app: {", "corda-backup: {", ": the name 'corda-backup' is taken by"},
        Mistake{"rate", "rate: 10/s", "rate: 10", "'10' is not a rate"},
        Mistake{"missing_scenario", "- scenarios/primary-power-loss.yaml", "- scenarios/none.yaml",
                "is not a file"},
        Mistake{"same_legal_name", "O=Party B, L=Paris, C=FR", "O=Party A, L=London, C=GB",
                "is also the legal name of party-a"},
        Mistake{"host_of_a_carried_node", "    share: /mnt", "    host: pod\n    share: /mnt",
                "virtual machines carry this node"},
        Mistake{"duration", "interval: 5s, threshold", "interval: 5, threshold", "'5' has no unit"}),
    [](const auto& instance) { return std::string(instance.param.name); });

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

TEST(TopologyReader, a_group_that_closes_a_rules_port_is_refused_once) {
    const std::string message = refusal(guide_with("ports: \"10004\"", "ports: \"10014\""));
    EXPECT_THAT(message, HasSubstr("security group 'corda' of corda-primary closes backend port 10004"));
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << message;
    EXPECT_THAT(refusal(guide_with("priority: 100, direction: inbound, access: allow",
                                   "priority: 100, direction: inbound, access: deny")),
                HasSubstr("closes backend port 10010"));
}

TEST(TopologyReader, machines_of_one_node_with_the_same_machine_name_are_refused) {
    const std::string path = topologies() + "/corda-ha.yaml";
    EXPECT_THAT(refusal(load_topology(path, {"virtual_machines.corda-primary.machine_name=same",
                                             "virtual_machines.corda-backup.machine_name=same"})),
                HasSubstr("'same' is also the machine name of corda-primary"));
    EXPECT_EQ(refusal(load_topology(path, {"virtual_machines.corda-primary.machine_name=one"})), "accepted");
}

TEST(TopologyReader, all_mistakes_come_at_once_in_the_order_of_the_file) {
    const std::string message =
        refusal(parse_topology("version: 2\nname: x y\nnetwork: {publik: 1}\ndatabases: {db: {address: "
                               "203.0.113.300, engine: oracle}}\n"
                               "clients: {app: {calls: a, pays: b}}\n",
                               "t.yaml"));
    EXPECT_THAT(message, HasSubstr("t.yaml:1:10: version"));
    EXPECT_THAT(message, HasSubstr("t.yaml:2:7: name"));
    EXPECT_THAT(message,
                HasSubstr("t.yaml:3:11: network.publik: is not a known key; did you mean 'public'?"));
    EXPECT_THAT(message, HasSubstr("databases.db.engine: 'oracle' is not known; use one of sqlite"));
    EXPECT_LT(message.find("t.yaml:2:"), message.find("t.yaml:3:"));
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 6) << message;
}

TEST(TopologyReader, what_is_no_mapping_is_refused_and_not_read) {
    for (const char* text : {"[]", "x", "version: 1\nname: a\nnodes: 3\nclients: [1]\nnetwork: x\n",
                             "version: 1\nname: a\nvirtual_machines: {a: b}\nload_balancers: {l: [1]}\n"})
        EXPECT_THAT(refusal(parse_topology(text, "t.yaml")), HasSubstr("t.yaml:")) << text;
}

TEST(TopologyReader, what_only_passthrough_can_do_is_refused_for_a_proxy) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string lb = "load_balancers.corda-lb.";
    const std::vector<std::string> settings{
        lb + "inbound_nat_rules=[{name: ssh, frontend_port: 2201, machine: corda-primary, backend_port: 22}]",
        lb + "outbound={ports_per_backend: 2048, tcp_reset: true}",
        lb + "rules=[{name: p2p, frontend_port: 10010, backend_port: 10010, probe: p2p, floating_ip: true, "
             "distribution: source_ip, tcp_reset: true}]"};
    const auto taken = load_topology(path, {settings[0], settings[1]});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    const auto& balancer = taken->load_balancers.at("corda-lb");
    EXPECT_EQ(balancer.data_path, DataPath::passthrough);
    EXPECT_EQ(balancer.inbound_nat_rules.at(0).machine, "corda-primary");
    EXPECT_EQ(balancer.inbound_nat_rules.at(0).idle_timeout, 4min);
    EXPECT_EQ(balancer.outbound->ports_per_backend, 2048);
    EXPECT_TRUE(balancer.outbound->tcp_reset);
    for (const std::string& setting : settings)
        EXPECT_THAT(refusal(load_topology(path, {lb + "data_path=proxy", setting})),
                    HasSubstr("data_path proxy has no "))
            << setting;
    EXPECT_THAT(refusal(load_topology(path, {lb + "outbound={ports_per_backend: 100}"})),
                HasSubstr("100 is not a multiple of 8 up to 32000"));
    EXPECT_THAT(refusal(load_topology(path, {lb + "inbound_nat_rules=[{name: p2p, frontend_port: 1, "
                                                  "machine: party-b, backend_port: 22}]"})),
                HasSubstr("'party-b' is not in the backend pool"));
}

TEST(TopologyReader, a_rule_for_all_ports_stands_alone_and_has_none_itself) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string lb = "load_balancers.corda-lb.";
    const std::string all = lb + "rules=[{name: ha, protocol: all, probe: p2p}]";
    const auto taken = load_topology(path, {all});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    const auto& rule = taken->load_balancers.at("corda-lb").rules.at(0);
    EXPECT_EQ(rule.protocol, Transport::all);
    EXPECT_EQ(rule.frontend_port, 0);
    EXPECT_EQ(rpc_endpoint(*taken, "party-a").port, 10005) << "every port leads to the same one";
    const auto refused = [&](const std::string& setting) { return refusal(load_topology(path, {setting})); };
    EXPECT_THAT(refused(lb + "rules=[{name: ha, protocol: all, frontend_port: 80, probe: p2p}]"),
                HasSubstr("frontend_port: protocol all takes every port as it is"));
    EXPECT_THAT(refused(lb + "rules=[{name: ha, protocol: all, probe: p2p}, {name: web, frontend_port: 80, "
                             "backend_port: 80, probe: p2p}]"),
                HasSubstr("rule 'ha' takes every port of the frontend, and there is 'web' too"));
    EXPECT_THAT(refused(lb + "rules=[{name: web, frontend_port: 80, backend_port: 80, probe: p2p}, {name: "
                             "ha, protocol: all, probe: p2p}]"),
                HasSubstr("rule 'ha' takes every port of the frontend, and there is 'web' too"));
    EXPECT_THAT(
        refusal(load_topology(path, {all, lb + "inbound_nat_rules=[{name: ssh, frontend_port: 2201, machine: "
                                               "corda-primary, backend_port: 22}]"})),
        HasSubstr("another rule has its name or its frontend port"));
    EXPECT_THAT(refusal(load_topology(path, {all, lb + "sku=basic"})),
                HasSubstr("sku basic has no rule for all ports"));
    EXPECT_THAT(refusal(load_topology(path, {all, lb + "data_path=proxy"})),
                HasSubstr("data_path proxy has no rule for all ports"));
    EXPECT_THAT(refused(lb + "inbound_nat_rules=[{name: ssh, protocol: all, frontend_port: 2201, machine: "
                             "corda-primary, backend_port: 22}]"),
                HasSubstr("'all' is not known"));
    EXPECT_THAT(refusal(guide_with("{name: p2p,  protocol: tcp, frontend_port: 10010",
                                   "{name: p2p,  protocol: all, frontend_port: 10010")),
                testing::ContainsRegex("corda-ha.yaml:[0-9]+:[0-9]+: load_balancers.corda-lb.rules"));
}

TEST(TopologyReader, an_https_probe_is_taken_as_the_balancer_takes_it) {
    const std::string path = topologies() + "/corda-ha.yaml";
    const std::string probe = "load_balancers.corda-lb.probes.http=";
    const auto taken = load_topology(path, {probe + "{protocol: https, port: 8443, interval: 5s}"});
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    EXPECT_EQ(taken->load_balancers.at("corda-lb").probes.at("http").protocol, ProbeProtocol::https);
    EXPECT_EQ(taken->load_balancers.at("corda-lb").probes.at("http").path, "/");
    EXPECT_THAT(refusal(load_topology(
                    path, {probe + "{protocol: https, port: 8443}", "load_balancers.corda-lb.sku=basic"})),
                HasSubstr("sku basic has no https probes"));
    EXPECT_THAT(refusal(load_topology(path, {probe + "{protocol: https, port: 25}"})),
                HasSubstr("25 is not allowed to an http or https probe"));
    EXPECT_THAT(
        refusal(load_topology(path, {probe + "{protocol: http, port: 80, interval: 60s, timeout: 40s}"})),
        HasSubstr("40s is above 30s"));
}

TEST(TopologyReader, a_doubtful_but_usable_topology_comes_with_warnings) {
    const auto read = guide_with("port: 10004, path", "port: 10044, path");
    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_THAT(read->warnings,
                testing::Contains(HasSubstr("asks port 10044, which the node of corda-backup")));
}

}  // namespace
}  // namespace understudy::topology
