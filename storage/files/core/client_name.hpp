// SPDX-License-Identifier: Apache-2.0
// How the 9P user name carries who attaches: "CLIENT#INCARNATION" opens a session,
// "CLIENT#INCARNATION#resume" goes on with one that must still be live. A name without '#' is a client that
// knows nothing of leases (the kernel's own): its session ends with its connection.
// Pure.
#pragma once

#include <optional>
#include <string>

namespace understudy::files {

struct ClientName {
    std::string client;
    std::string incarnation;  // empty: without a lease
    bool resume = false;
};
std::optional<ClientName> parse_client_name(
    const std::string& user);  // nullopt: empty parts, control characters, or above 128 bytes
std::string to_user_name(const ClientName& name);

}  // namespace understudy::files
