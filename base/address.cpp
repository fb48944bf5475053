// SPDX-License-Identifier: Apache-2.0
#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace understudy {
namespace {

Error refused(std::string_view kind, std::string_view text, std::string_view why, std::string_view example) {
    return Error(ErrorKind::bad_input, fmt::format("{} '{}'", kind, text), std::string(why))
        .with_remedy(fmt::format("write it like {}", example));
}

// A whole decimal number without sign or leading zeros.
std::optional<std::uint32_t> decimal(std::string_view text, std::uint32_t largest) {
    std::uint32_t value = 0;
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    const auto [after, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || after != text.data() + text.size() || value > largest) return std::nullopt;
    return value;
}

std::uint32_t mask(int prefix_length) {
    return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
}

}  // namespace

bool Ipv4Network::contains(Ipv4Address address) const {
    return (address.bits & mask(prefix_length)) == base.bits;
}

bool Ipv4Network::overlaps(const Ipv4Network& other) const {
    const std::uint32_t shorter = mask(std::min(prefix_length, other.prefix_length));
    return (base.bits & shorter) == (other.base.bits & shorter);
}

Result<Ipv4Address> parse_address(std::string_view text) {
    Ipv4Address address;
    std::string_view rest = text;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? rest.find('.') : rest.size();
        if (dot == std::string_view::npos)
            return refused("address", text, "is not an IPv4 address", "192.0.2.11");
        const auto byte = decimal(rest.substr(0, dot), 255);
        if (!byte) return refused("address", text, "is not an IPv4 address", "192.0.2.11");
        address.bits = address.bits << 8 | *byte;
        rest.remove_prefix(std::min(rest.size(), dot + 1));
    }
    return address;
}

Result<Ipv4Network> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return refused("network", text, "has no prefix length", "192.0.2.0/24");
    UNDERSTUDY_TRY(const auto base, parse_address(text.substr(0, slash)));
    const auto length = decimal(text.substr(slash + 1), 32);
    if (!length) return refused("network", text, "has a bad prefix length", "192.0.2.0/24");
    const Ipv4Network network{base, static_cast<int>(*length)};
    if (!network.contains(base)) return refused("network", text, "has host bits set", "192.0.2.0/24");
    return network;
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const auto port = decimal(text, 65535);
    if (!port || *port == 0) return refused("port", text, "is not between 1 and 65535", "10010");
    return static_cast<std::uint16_t>(*port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return refused("endpoint", text, "has no port", "192.0.2.1:10010");
    UNDERSTUDY_TRY(const auto address, parse_address(text.substr(0, colon)));
    UNDERSTUDY_TRY(const auto port, parse_port(text.substr(colon + 1)));
    return Endpoint{address, port};
}

std::string to_string(Ipv4Address address) {
    return fmt::format("{}.{}.{}.{}", address.bits >> 24, address.bits >> 16 & 255, address.bits >> 8 & 255,
                       address.bits & 255);
}

std::string to_string(const Ipv4Network& network) {
    return fmt::format("{}/{}", to_string(network.base), network.prefix_length);
}

std::string to_string(const Endpoint& endpoint) {
    return fmt::format("{}:{}", to_string(endpoint.address), endpoint.port);
}

}  // namespace understudy
