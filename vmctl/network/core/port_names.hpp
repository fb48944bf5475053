// SPDX-License-Identifier: Apache-2.0
// Names and addresses that every port of the fabric gets by rule, so that whoever builds the other end (a
// pod's agent, a VM's domain XML) knows them without asking.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/address.hpp"

namespace understudy::vmctl {

using MacAddress = std::array<std::uint8_t, 6>;

// The address that the fabric has on every port: each host's only neighbour and default gateway.
constexpr Ipv4Address gateway_address{0xA9FE0101};  // 169.254.1.1

// "p0", "p1" …: Linux allows 15 characters for an interface, which a host's name may exceed.
std::string port_interface(unsigned number);

// The NIC of the host with this (first) address: 02:55 and the address's four bytes; locally administered.
MacAddress host_mac(Ipv4Address address);

// The fabric's end of every port, the same everywhere: each port is a link of its own.
MacAddress gateway_mac();

std::string to_string(const MacAddress& mac);  // "02:55:c0:00:02:0b"

}  // namespace understudy::vmctl
