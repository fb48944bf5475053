// SPDX-License-Identifier: Apache-2.0
// Sockets that live in a pod's network namespace while the test holds them: traffic between pods needs no
// program in either.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/io/unique_fd.hpp"
#include "tests/integration/vmctl_pods/region.hpp"
#include "vmctl/network/core/security_group.hpp"

namespace understudy::vmctl {

// A non-blocking socket(AF_INET, type, protocol) in that namespace.
io::UniqueFd socket_in(const ShellPod& pod, int type, int protocol = 0);

io::UniqueFd listen_in(const ShellPod& pod, std::uint16_t port);  // TCP, on every address

// A connected TCP socket, or an invalid one when it didn't connect within the limit.
io::UniqueFd connect_from(const ShellPod& pod, Endpoint to, int limit_ms);

// One byte sent on `from` comes out at `to` within the limit.
bool carries(const io::UniqueFd& from, const io::UniqueFd& to, int limit_ms);

// An echo request from this pod is answered within the limit.
bool pings(const ShellPod& pod, Ipv4Address to, int limit_ms = 300);

// A datagram from `source` (an address the pod has on eth0) to `to` arrives at the socket within the limit.
bool datagram_arrives(const ShellPod& pod, Ipv4Address source, Endpoint to, const io::UniqueFd& receiver,
                      int limit_ms = 300);

// Begins a flow and doesn't wait: a TCP connection, or one datagram whose only byte is `content`.
io::UniqueFd start_flow(const ShellPod& pod, int type, Ipv4Address source, Endpoint to, std::uint8_t content);

io::UniqueFd datagram_socket_in(const ShellPod& pod, std::uint16_t port);

}  // namespace understudy::vmctl
