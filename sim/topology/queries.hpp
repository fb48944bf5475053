// SPDX-License-Identifier: Apache-2.0
// What follows from a topology: its hosts and their public names, which of them are highly available, where
// clients reach a node. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::topology {

enum class HostKind { virtual_machine, node, load_balancer, file_service, database, network_map, client };

struct Host {
    std::string name;
    HostKind kind;
    Ipv4Address address;
    HostWorld world;   // what it is in the world `vm`; in the world `pod` every host is a pod
    std::string node;  // the node it carries; empty: none
};

constexpr const char* network_map_host = "network-map";

const char* to_string(HostKind kind);

// Every host: machines first in the order written, then the others by kind and name.
std::vector<Host> hosts(const Topology& topology);

// Fully qualified name -> public address: frontends by their dns label, services, nodes of their own and
// clients by name. Virtual machines have no public name.
std::map<std::string, Ipv4Address> dns_records(const Topology& topology);

// Hosts that carry the node, in the order of hosts().
std::vector<std::string> hosts_of_node(const Topology& topology, const std::string& node);

// The node with mutual exclusion that more than one host carries; empty when there is none.
std::string high_availability_node(const Topology& topology);

// The program with an active port that more than one machine carries; empty when there is none.
std::string high_availability_program(const Topology& topology);

// The machines of which one at a time is active: those of the node, else those of the program.
std::vector<std::string> high_availability_hosts(const Topology& topology);

// Whether a database is a PostgreSQL server.
bool has_postgresql(const Topology& topology);

// Whether machines or clients carry programs of the user's own, which run in pods only.
bool has_programs(const Topology& topology);

// How long a database lets a client keep a transaction open and say nothing. A host that dies in the middle
// of one would hold up its successor's lease for that long, so it is half the shortest update interval, at
// most 10 s.
Duration idle_in_transaction_limit(const Topology& topology);

struct NamedEndpoint {
    std::string host;  // a fully qualified name
    std::uint16_t port = 0;
};

// Where a client reaches the node's RPC port: the frontend of the balancer whose rule leads to it,
// or its own host.
NamedEndpoint rpc_endpoint(const Topology& topology, const std::string& node);

}  // namespace understudy::topology
