// SPDX-License-Identifier: Apache-2.0
// A deployment as a value: networks, machines, services, nodes and clients, each with every default filled in
// and every address assigned. reader.hpp makes one from a file and refuses what doesn't fit together, so that
// whoever holds a Topology may rely on it: each name referred to exists, each address is unique and inside
// its network. queries.hpp answers what follows from one. Names of hosts are unique across all kinds. Rules:
// the deployment guide's step list for the resources, the cloud's documented limits for priorities and
// domains.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace understudy::topology {

struct Network {
    Ipv4Network virtual_network;  // the machines' private addresses
    Ipv4Network public_network;   // static public addresses of services
    Ipv4Network internet;         // where clients live
    std::string dns_zone;         // "region.test"
    Ipv4Address dns_address;      // the zone's server; default: second-last usable address of public_network
    Ipv4Address probe_source;  // health probes come from here; default: last usable address of public_network
};

struct PortRange {
    std::uint16_t first = 1;
    std::uint16_t last = 65535;
    bool contains(std::uint16_t port) const { return first <= port && port <= last; }
    bool operator==(const PortRange&) const = default;
};

// What a security rule's source or destination names.
struct AddressMatch {
    enum class Kind { any, internet, virtual_network, load_balancer, prefix };
    Kind kind = Kind::any;
    Ipv4Network prefix;  // when kind is prefix
};

enum class Direction { inbound, outbound };
enum class Access { allow, deny };
enum class SecurityProtocol { any, tcp, udp, icmp };

struct SecurityRule {
    std::string name;
    int priority = 100;  // 100 to 4096, unique in its direction; the lowest that matches decides
    Direction direction = Direction::inbound;
    Access access = Access::allow;
    SecurityProtocol protocol = SecurityProtocol::any;
    AddressMatch source;
    AddressMatch destination;
    std::vector<PortRange> ports;  // of the destination; empty: every port
};

struct AvailabilitySet {
    int fault_domains = 2;   // 1 to 3
    int update_domains = 5;  // 1 to 20
};

struct VirtualMachine {
    Ipv4Address address;           // in the virtual network
    std::string availability_set;  // empty: none
    std::string security_group;    // empty: none, everything is allowed
    std::uint64_t memory_bytes = 0;
    int vcpus = 1;
    std::map<std::string, std::string> mounts;  // mount point -> file service
    std::string node;                           // the node it carries; empty: none
    std::string program;                        // or the program; empty: none
    std::string machine_name;  // in the node's lease row; the machine's own name unless given
};

enum class Restart { always, on_failure, never };

struct ProgramFile {
    std::string content;
    std::uint32_t mode = 0644;
};

// A command of the user's own, which need not know of Understudy. Hosts that carry it get its files and
// environment; beside those of `environment` it sees UNDERSTUDY_HOST and UNDERSTUDY_ADDRESS.
struct Program {
    std::vector<std::string> command;  // the first is a name looked up in PATH, or an absolute path
    std::string executable;            // on this machine, when the command is a file beside the topology
    std::map<std::string, std::string> environment;
    std::string working_directory;             // made when missing; empty: "/"
    std::map<std::string, ProgramFile> files;  // absolute path in the host -> what is there
    std::map<std::string, std::string> needs;  // path on this machine -> the command that gets it
    std::vector<std::string> from_machine;     // files and directories of this machine, read-only in the host
    Restart restart = Restart::always;
    Duration restart_delay{};
    Duration stop_timeout{};  // between SIGTERM and SIGKILL
    // A host that listens here is active. Two hosts that carry such a program take over from each other.
    std::optional<std::uint16_t> active_port;
    // The longest from the death of the active one, noticed by the share, until the other listens.
    Duration takeover{};
};

struct FileService {
    Ipv4Address address;  // in the public network
    std::uint16_t port = 564;
    std::uint64_t quota_bytes = 0;
    Duration client_lease{};  // locks of a client that is silent for longer are freed
    bool power_loss = true;   // it keeps what a loss of power would take
    bool asks_for_key = false;
    std::vector<Ipv4Network> clients{};  // that may mount it; empty: any
    std::string
        on_loss{};  // what its mounts do while it is away, as understudy-mount takes it; empty: its default
};

// sqlite: our own service, SQLite behind the PostgreSQL protocol. postgresql: the server itself, as this
// machine has it.
enum class DatabaseEngine { sqlite, postgresql };

struct Database {
    Ipv4Address address;  // in the public network
    std::uint16_t port = 5432;
    DatabaseEngine engine = DatabaseEngine::sqlite;
};

enum class ProbeProtocol { tcp, http, https };
// As understudy-lb has them (lb/config.hpp), and by the same words.
enum class ThresholdMode { unhealthy_threshold, probe_threshold };
enum class NoHealthyBackends { all_down, all_up };

struct Probe {
    ProbeProtocol protocol = ProbeProtocol::tcp;
    std::uint16_t port = 0;
    std::string path;  // http and https
    Duration interval{};
    Duration timeout{};  // default: the interval, at most 30 s
    int threshold = 2;   // results in a row before a backend goes down, as threshold_mode says
    ThresholdMode threshold_mode = ThresholdMode::unhealthy_threshold;
    NoHealthyBackends no_healthy_backends = NoHealthyBackends::all_down;
};

enum class Transport { tcp, udp, all };  // all: both, every port as it is
enum class Distribution { five_tuple, source_ip, source_ip_protocol };
enum class DataPath { passthrough, proxy };

struct LoadBalancingRule {
    std::string name;
    Transport protocol = Transport::tcp;
    std::uint16_t frontend_port = 0;
    std::uint16_t backend_port = 0;
    std::string probe;
    Distribution distribution = Distribution::five_tuple;
    Duration idle_timeout{};
    bool tcp_reset = false;
    bool floating_ip = false;
};

// A frontend port that leads to one machine of the pool.
struct InboundNatRule {
    std::string name;
    Transport protocol = Transport::tcp;
    std::uint16_t frontend_port = 0;
    std::string machine;
    std::uint16_t backend_port = 0;
    Duration idle_timeout{};
    bool tcp_reset = false;
};

// What the pool opens to outside the virtual network has the frontend's address.
struct OutboundRule {
    std::uint16_t ports_per_backend = 1024;
    Duration idle_timeout{};
    bool tcp_reset = false;
};

enum class Sku { standard, basic };

struct LoadBalancer {
    Sku sku = Sku::standard;
    Ipv4Address frontend_address;           // in the public network
    std::string frontend_dns;               // a label of the zone, without the zone
    std::vector<std::string> backend_pool;  // names of virtual machines
    std::map<std::string, Probe> probes;
    std::vector<LoadBalancingRule> rules;
    DataPath data_path = DataPath::proxy;
    std::vector<InboundNatRule> inbound_nat_rules;
    std::optional<OutboundRule> outbound;
};

struct MutualExclusion {
    bool enabled = false;
    Duration update_interval{};
    Duration wait_interval{};  // greater than update_interval
};

enum class HostWorld { pod, vm };

struct Node {
    std::string legal_name;
    std::string database;  // empty: a private one on the node's own host
    std::string share;  // directory of the message journal's store, below a mount; empty: the host's own disk
    std::string p2p_address;  // "name:port" or "address:port", what the network map publishes
    MutualExclusion mutual_exclusion;
    std::uint16_t p2p_port = 10010;
    std::uint16_t rpc_port = 10005;
    std::uint16_t http_port = 10004;
    Duration restart_delay{};
    std::string program;  // runs in place of understudy-node; empty: understudy-node
    std::vector<std::string> program_arguments;
    // A node that no virtual machine carries is a host by itself, of the node's name.
    bool own_host = false;
    HostWorld host = HostWorld::pod;     // own_host only
    std::optional<Ipv4Address> address;  // own_host only: in the public network
};

struct NetworkMap {
    Ipv4Address address;
    std::uint16_t port = 8080;
};

// Pays from one node to another, or runs a program of the user's own.
struct Client {
    Ipv4Address address;  // in the internet network
    std::string calls;    // node
    std::string pays;     // node
    std::string program;  // in place of both
    double rate_per_second = 10;
    Duration timeout{};  // of one attempt
};

struct Topology {
    std::string file;  // as given to the reader
    std::string name;
    Network network;
    std::map<std::string, std::vector<SecurityRule>> security_groups;
    std::map<std::string, AvailabilitySet> availability_sets;
    std::vector<std::pair<std::string, VirtualMachine>>
        virtual_machines;  // in the order written: placement goes by it
    std::map<std::string, FileService> file_services;
    std::map<std::string, Database> databases;
    std::map<std::string, LoadBalancer> load_balancers;
    std::map<std::string, Node> nodes;
    std::map<std::string, Program> programs;
    std::optional<NetworkMap> network_map;
    std::map<std::string, Client> clients;
    std::vector<std::string> scenarios;  // paths, usable from where the reader was called
    std::vector<std::string>
        warnings;  // one line each, file:line:column first; the topology is usable all the same

    const VirtualMachine* find_machine(const std::string& name) const;
};

const char* to_string(ProbeProtocol protocol);
const char* to_string(Transport protocol);

}  // namespace understudy::topology
