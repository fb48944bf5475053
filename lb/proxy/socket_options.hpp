// SPDX-License-Identifier: Apache-2.0
// What the proxy asks of its TCP sockets. All best effort: without an option a dead peer is found later, by
// the idle timeout, and small messages are held back longer. Rule: tcp(7).
#pragma once

#include <netinet/in.h>

#include "base/address.hpp"
#include "base/time.hpp"

namespace understudy::lb {

sockaddr_in to_sockaddr(Endpoint endpoint);
Endpoint from_sockaddr(const sockaddr_in& address);

// Small messages aren't held back (TCP_NODELAY). What is accepted from a listener has it from there.
void send_at_once(int fd);

// An idle peer that has vanished is found within about `limit`: half of it quiet, then four questions.
void find_dead_peers(int fd, Duration limit);

// A peer that acknowledges nothing of what was sent for `limit` is gone (TCP_USER_TIMEOUT).
void limit_unacknowledged(int fd, Duration limit);

}  // namespace understudy::lb
