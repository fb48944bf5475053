// SPDX-License-Identifier: Apache-2.0
// The binary header by which a proxy tells a backend whose connection it passes on. Rule: "The PROXY
// protocol, versions 1 & 2" (haproxy.org), section 2.2, for TCP over IPv4: what the writer writes and all the
// parser takes; LOCAL (the proxy's own connection) is parsed and has no addresses. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::lb {

// A header of TCP over IPv4 without extensions has exactly so many bytes.
constexpr std::size_t proxy_header_bytes = 28;

// The longest header that is read, extensions included: what every receiver must be ready for is 536 bytes,
// the smallest segment, of which nothing may be left over.
constexpr std::size_t longest_proxy_header = 536;

struct ProxyHeader {
    bool local = false;     // the proxy's own connection: source and destination say nothing
    Endpoint source;        // the client
    Endpoint destination;   // where the client connected to
    std::size_t bytes = 0;  // of the header, extensions included: the connection's data begin behind them
};

std::array<std::uint8_t, proxy_header_bytes> write_proxy_header(Endpoint source, Endpoint destination);

// None: it may become a header, but more bytes are needed. Error: it isn't one.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::uint8_t> data);

}  // namespace understudy::lb
