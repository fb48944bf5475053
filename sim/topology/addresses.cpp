// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

// Where automatic assignment starts in its network: above the low addresses that files usually give out by
// hand.
constexpr std::uint32_t first_node_host = 101;
constexpr std::uint32_t first_client_host = 10;

bool usable(const Ipv4Network& network, Ipv4Address address) {
    return network.contains(address) && address != network.base &&
           address.bits != network.base.bits + static_cast<std::uint32_t>(network.address_count() - 1);
}

const Ipv4Network& network_of(const Network& network, NetworkRole role) {
    switch (role) {
        case NetworkRole::virtual_network:
            return network.virtual_network;
        case NetworkRole::public_network:
            return network.public_network;
        case NetworkRole::internet:
            break;
    }
    return network.internet;
}

constexpr const char* network_keys[] = {"virtual_network", "public", "internet"};

}  // namespace

std::optional<Ipv4Address> free_address(const Ipv4Network& network, std::uint32_t first_host,
                                        const std::vector<Ipv4Address>& taken) {
    const auto count = static_cast<std::uint32_t>(network.address_count());
    // Small networks have no first_host-th address: wrap, so that every address gets its turn.
    for (std::uint32_t i = 0; i < count; ++i) {
        const Ipv4Address candidate{network.base.bits + (first_host + i) % count};
        if (usable(network, candidate) && std::find(taken.begin(), taken.end(), candidate) == taken.end())
            return candidate;
    }
    return std::nullopt;
}

void check_claims(Reading& reading) {
    const Network& network = reading.topology.network;
    for (std::size_t i = 0; i < reading.claims.size(); ++i) {
        const AddressClaim& claim = reading.claims[i];
        const Ipv4Network& own = network_of(network, claim.role);
        const char* key = network_keys[static_cast<int>(claim.role)];
        if (reading.networks_valid && !own.contains(claim.address))
            claim.value.refuse(
                fmt::format("{} is outside the {} network {}", to_string(claim.address), key, to_string(own)),
                fmt::format("{} has its address there", claim.owner));
        else if (reading.networks_valid && !usable(own, claim.address))
            claim.value.refuse(fmt::format("{} is the first or last address of {}", to_string(claim.address),
                                           to_string(own)),
                               "use one between");
        const auto refuse_duplicate = [&](const std::string& owner) {
            claim.value.refuse(fmt::format("{} is also the address of {}", to_string(claim.address), owner),
                               "give each its own");
        };
        for (std::size_t j = 0; j < i; ++j)
            if (reading.claims[j].address == claim.address) {
                refuse_duplicate(reading.claims[j].owner);
                break;
            }
        if (claim.address == network.dns_address && claim.owner != "the zone's server")
            refuse_duplicate("the zone's server (network.dns_address)");
        if (claim.address == network.probe_source && claim.owner != "the probes' source")
            refuse_duplicate("the probes' source (network.probe_source)");
    }
}

void assign_addresses(Reading& reading) {
    Topology& topology = reading.topology;
    std::vector<Ipv4Address> taken{topology.network.dns_address, topology.network.probe_source};
    for (const AddressClaim& claim : reading.claims) taken.push_back(claim.address);
    const auto assign = [&](const Ipv4Network& network, std::uint32_t first, const std::string& owner) {
        const auto address = free_address(network, first, taken);
        if (!address) {
            reading.diagnostics.add({config::Place{topology.file, 1, 1}, owner,
                                     fmt::format("no address of {} is left", to_string(network)),
                                     "use a larger network"});
            return Ipv4Address{};
        }
        taken.push_back(*address);
        return *address;
    };
    for (auto& [name, node] : topology.nodes)
        if (node.own_host && !node.address)
            node.address = assign(topology.network.public_network, first_node_host, "nodes." + name);
    for (auto& [name, client] : topology.clients)
        if (client.address == Ipv4Address{})
            client.address = assign(topology.network.internet, first_client_host, "clients." + name);
}

}  // namespace understudy::topology
