// SPDX-License-Identifier: Apache-2.0
// The steps of plain sockets that bench servers and bench clients share.
#pragma once

#include <netinet/in.h>

#include <cstdint>

#include "base/address.hpp"

namespace understudy::bench {

sockaddr_in to_sockaddr(Ipv4Address address, std::uint16_t port);

// A non-blocking connection attempt; -1 with errno when not even that could be begun.
int begin_connect(Endpoint target);

// Listens on every address; `flags` as of socket(2)'s type. -1 with errno when it can't.
int listen_on(std::uint16_t port, int flags);

}  // namespace understudy::bench
