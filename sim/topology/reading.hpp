// SPDX-License-Identifier: Apache-2.0
// What the parts of the reader share while one topology is read. Sections are read first and leave two things
// behind for later: claims of addresses, and checks that need other sections. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/config/reader.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::topology {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

enum class NetworkRole { virtual_network, public_network, internet };

struct AddressClaim {
    Ipv4Address address;
    std::string owner;  // in words, for the message to a second claimant
    NetworkRole role;
    config::Value value;
};

struct Reading {
    Topology topology;
    config::Diagnostics diagnostics;
    bool networks_valid = true;  // whether "inside its network" can be judged
    std::vector<AddressClaim> claims;
    std::vector<std::function<void()>> checks;  // run when every section is read and every address assigned
    std::vector<std::pair<std::string, config::Value>> machine_places;
    std::vector<std::pair<std::string, config::Value>> host_places;

    // Reads an address and notes whose it is. Nothing when the text is no address.
    std::optional<Ipv4Address> claim(const config::Value& value, const std::string& owner, NetworkRole role);
    void warn(const config::Value& value, const std::string& text);
};

// A host, a node or a resource is named like a DNS label: lower-case letters, digits and '-'.
void check_label(const config::Value& value, const std::string& label);

// sections.cpp, services.cpp: one function a section of the file.
void read_network(Reading& reading, config::Mapping& root);
void read_security_groups(Reading& reading, config::Mapping& root);
void read_availability_sets(Reading& reading, config::Mapping& root);
void read_virtual_machines(Reading& reading, config::Mapping& root);
void read_services(Reading& reading, config::Mapping& root);  // file services, databases, network map
void read_load_balancers(Reading& reading, config::Mapping& root);
void read_programs(Reading& reading, config::Mapping& root);
void read_nodes(Reading& reading, config::Mapping& root);
void read_clients(Reading& reading, config::Mapping& root);

// addresses.cpp
// Automatic assignment, deterministic: the lowest usable address of the network, from its `first_host`-th on,
// that is not in `taken`. Nothing when the network is full.
std::optional<Ipv4Address> free_address(const Ipv4Network& network, std::uint32_t first_host,
                                        const std::vector<Ipv4Address>& taken);
void check_claims(Reading& reading);
void assign_addresses(Reading& reading);

// checks.cpp
// "there is no KIND 'name'", told when every section has been read, unless it exists.
void check_reference(Reading& reading, const config::Value& value, const std::string& name, const char* kind,
                     const char* section, std::function<bool(const Topology&)> exists);
void check_names(Reading& reading);
void check_node(Reading& reading, const std::string& name, const config::Value& place,
                const std::optional<config::Value>& p2p_address);
void check_share(Reading& reading, const std::string& name, const config::Value& value);
void check_rule_reaches_pool(Reading& reading, const LoadBalancer& balancer, const LoadBalancingRule& rule,
                             const config::Value& place);

// Whether the group's rules let this traffic in from anywhere in the emulated internet.
bool open_to_internet(const Topology& topology, const std::vector<SecurityRule>& rules,
                      SecurityProtocol protocol, std::uint16_t port);

}  // namespace understudy::topology
