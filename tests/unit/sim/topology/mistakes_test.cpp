// SPDX-License-Identifier: Apache-2.0
// Each mistake in a topology is one line that says where it is and what would be right.
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::topology {
namespace {

using testing::HasSubstr;

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

TEST(TopologyMistakes, all_mistakes_come_at_once_in_the_order_of_the_file) {
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

TEST(TopologyMistakes, what_is_no_mapping_is_refused_and_not_read) {
    for (const char* text : {"[]", "x", "version: 1\nname: a\nnodes: 3\nclients: [1]\nnetwork: x\n",
                             "version: 1\nname: a\nvirtual_machines: {a: b}\nload_balancers: {l: [1]}\n"})
        EXPECT_THAT(refusal(parse_topology(text, "t.yaml")), HasSubstr("t.yaml:")) << text;
}

}  // namespace
}  // namespace understudy::topology
