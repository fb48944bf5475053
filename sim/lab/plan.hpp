// SPDX-License-Identifier: Apache-2.0
// What to run where: the topology turned into hosts with addresses, files and units. Pure. The same plan
// serves the worlds `vm` and `pod`; only `virtual_machine` differs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/lab/unit_configs.hpp"
#include "sim/topology/topology.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::lab {

// A program of the user's own, and where it is inside the host.
struct OwnProgram {
    std::string source;
    std::string target;
};

struct HostPlan {
    std::string name;
    std::string role;  // of a host without a highly available node: "load balancer", "database" …
    std::string node;  // the node it carries; empty: none
    bool virtual_machine = false;
    std::vector<Ipv4Address> addresses;     // the first is the host's own
    std::vector<Ipv4Address> floating;      // frontends that it may answer from
    bool writes_fabric = false;             // a balancer that has its table there
    bool copies_database_template = false;  // a PostgreSQL server's host
    std::string security_group;
    std::uint64_t memory_bytes = 0;
    int vcpus = 1;
    std::optional<int> fault_domain;
    std::vector<OwnProgram> own_programs;
    vmctl::HostConfig config;
    // Units that make the host ready: all of them report `ready`. The unit `node` of a highly available node
    // is not among them, since a standby's never is.
    std::vector<std::string> units_awaited;
    // Units that are to end in order, after all other hosts are off, when the region goes down.
    std::vector<std::string> units_ended;
};

constexpr const char* dns_host = "dns";

// Where the configuration of `understudy-node audit` for this node is, in its database's host.
std::string audit_path(const std::string& node);

std::vector<HostPlan> plan_hosts(const topology::Topology& topology, topology::HostWorld world,
                                 const Accounts& accounts);

}  // namespace understudy::lab
