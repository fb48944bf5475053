// SPDX-License-Identifier: Apache-2.0
#include "lb/core/proxy_header.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::lb {
namespace {

constexpr std::array<std::uint8_t, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t fixed_bytes = 16;    // signature, version and command, family and protocol, length
constexpr std::size_t address_bytes = 12;  // two IPv4 addresses, two ports
constexpr std::uint8_t version_2 = 0x20;
constexpr std::uint8_t command_local = 0x0;
constexpr std::uint8_t command_proxy = 0x1;
constexpr std::uint8_t tcp_over_ipv4 = 0x11;

void put_endpoint(std::uint8_t* address, std::uint8_t* port, Endpoint endpoint) {
    for (int i = 0; i < 4; ++i)
        address[i] = static_cast<std::uint8_t>(endpoint.address.bits >> (24 - 8 * i) & 0xff);
    port[0] = static_cast<std::uint8_t>(endpoint.port >> 8);
    port[1] = static_cast<std::uint8_t>(endpoint.port & 0xff);
}

std::uint16_t number_at(std::span<const std::uint8_t> data, std::size_t at) {
    return static_cast<std::uint16_t>(data[at] << 8 | data[at + 1]);
}

Ipv4Address address_at(std::span<const std::uint8_t> data, std::size_t at) {
    return {std::uint32_t{number_at(data, at)} << 16 | number_at(data, at + 2)};
}

Error not_a_header(std::string reason) {
    return {ErrorKind::failed, "PROXY header", std::move(reason)};
}

}  // namespace

std::array<std::uint8_t, proxy_header_bytes> write_proxy_header(Endpoint source, Endpoint destination) {
    std::array<std::uint8_t, proxy_header_bytes> header{};
    std::copy(signature.begin(), signature.end(), header.begin());
    header[12] = version_2 | command_proxy;
    header[13] = tcp_over_ipv4;
    header[15] = address_bytes;
    put_endpoint(&header[16], &header[24], source);
    put_endpoint(&header[20], &header[26], destination);
    return header;
}

Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::uint8_t> data) {
    const std::size_t compared = std::min(data.size(), signature.size());
    if (!std::equal(signature.begin(), signature.begin() + static_cast<std::ptrdiff_t>(compared),
                    data.begin()))
        return not_a_header("the data do not begin with the signature of version 2");
    if (data.size() > 12 && (data[12] & 0xf0) != version_2)
        return not_a_header("the version is not 2").with_number(data[12] >> 4);
    const auto command = static_cast<std::uint8_t>(data.size() > 12 ? data[12] & 0x0f : 0);
    if (command > command_proxy)
        return not_a_header("the command is neither LOCAL nor PROXY").with_number(command);
    if (data.size() < fixed_bytes) return std::optional<ProxyHeader>();
    ProxyHeader header;
    header.local = command == command_local;
    const std::size_t length = number_at(data, 14);
    header.bytes = fixed_bytes + length;
    if (header.bytes > longest_proxy_header)
        return not_a_header(fmt::format("it is longer than {} bytes", longest_proxy_header))
            .with_number(static_cast<std::int64_t>(header.bytes));
    if (!header.local && data[13] != tcp_over_ipv4)
        return not_a_header("family and protocol are not TCP over IPv4").with_number(data[13]);
    if (!header.local && length < address_bytes)
        return not_a_header("it is too short for its addresses")
            .with_number(static_cast<std::int64_t>(length));
    if (data.size() < header.bytes) return std::optional<ProxyHeader>();
    if (!header.local) {
        header.source = {address_at(data, 16), number_at(data, 24)};
        header.destination = {address_at(data, 20), number_at(data, 26)};
    }
    return std::optional(header);
}

}  // namespace understudy::lb
