// SPDX-License-Identifier: Apache-2.0
// The configuration file of each program of the region, made from the topology: pure. Each is JSON text,
// which is the YAML that the daemons read. Durations are written in whole nanoseconds, so that none is
// rounded.
#pragma once

#include <map>
#include <string>

#include "sim/topology/topology.hpp"

namespace understudy::lab {

// Where things are inside a host.
namespace inside {
constexpr const char* programs = "/opt/understudy/bin";
constexpr const char* configuration = "/etc/understudy";
constexpr const char* data = "/var/lib/understudy";
// The fabric's network namespace, in the host of a balancer whose data path is passthrough.
constexpr const char* fabric_namespace = "/run/understudy/fabric";
constexpr const char* balancer_socket = "/run/understudy-lb.sock";  // its administration
constexpr const char* files_socket = "/run/understudy-files.sock";
constexpr const char* database_socket = "/run/understudy-db.sock";
constexpr const char* database_template =
    "/opt/understudy/postgresql";  // what a new PostgreSQL server copies
}  // namespace inside

// What a node's database is called on every service.
constexpr const char* vault_database = "vault";

// Of the accounts of a database. A password of 144 random bits can't be guessed however cheap a guess is, and
// a guest under emulation spends a quarter of a second on each log-in with the usual 4096: 16 are enough for
// our own node. A program of the user's own in its place may log in with a driver that refuses fewer than
// 4096, as PostgreSQL's for JDBC does.
int scram_iterations(const topology::Topology& topology, const std::string& database);

// Database account of a node: a name that SQL needs no quotes for, and a password for this region alone.
struct Account {
    std::string user;
    std::string password;
};
using Accounts = std::map<std::string, Account>;  // by node
Accounts make_accounts(const topology::Topology& topology);

std::string config_path(const std::string& unit);   // a unit's configuration, inside its host
std::string password_file(const Account& account);  // its path inside a host

// Keys of the file services that ask for one, for this region alone: by service.
using ShareKeys = std::map<std::string, std::string>;
ShareKeys make_share_keys(const topology::Topology& topology);
std::string share_key_file(const std::string& service);  // its path inside a host

std::string balancer_config(const topology::Topology& topology, const std::string& name);
std::string files_config(const topology::Topology& topology, const std::string& name);
std::string database_config(const topology::Topology& topology, const std::string& name,
                            const Accounts& accounts);
std::string private_database_config(const Account& account);
std::string node_config(const topology::Topology& topology, const std::string& node, const std::string& host,
                        const Account& account);
std::string network_map_config(const topology::Topology& topology);
std::string client_config(const topology::Topology& topology, const std::string& name);
// For `understudy-node audit`, run in the host where the node's database is.
std::string audit_config(const topology::Topology& topology, const std::string& node, const Account& account);

// The host where a node's database is: the database's own, or the node's.
std::string database_host(const topology::Topology& topology, const std::string& node);

}  // namespace understudy::lab
