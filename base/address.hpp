// SPDX-License-Identifier: Apache-2.0
// IPv4 addresses, networks and endpoints as values, in host byte order inside, dotted quad in text.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy {

struct Ipv4Address {
    std::uint32_t bits = 0;
    auto operator<=>(const Ipv4Address&) const = default;
};

struct Ipv4Network {
    Ipv4Address base;  // host bits are zero
    int prefix_length = 0;
    auto operator<=>(const Ipv4Network&) const = default;

    bool contains(Ipv4Address address) const;
    bool overlaps(const Ipv4Network& other) const;
    std::uint64_t address_count() const { return std::uint64_t{1} << (32 - prefix_length); }
};

struct Endpoint {
    Ipv4Address address;
    std::uint16_t port = 0;
    auto operator<=>(const Endpoint&) const = default;
};

Result<Ipv4Address> parse_address(std::string_view text);
Result<Ipv4Network> parse_network(std::string_view text);  // "192.0.2.0/24"; set host bits are refused
Result<Endpoint> parse_endpoint(std::string_view text);    // "192.0.2.1:10010"
Result<std::uint16_t> parse_port(std::string_view text);   // 1 to 65535

std::string to_string(Ipv4Address address);
std::string to_string(const Ipv4Network& network);
std::string to_string(const Endpoint& endpoint);

}  // namespace understudy
