// SPDX-License-Identifier: Apache-2.0
// The server's end of TLS over a connected socket, with a certificate of its own making: self-signed, for a
// name that no probe asks for, and long out of date.
#pragma once

#include <string>

#include "sockets_of_test.hpp"

namespace understudy::lb {

// Shakes hands, reads up to an empty line, answers and closes in order. What the client sent, and the server
// name it asked for: empty when none.
struct TlsRequest {
    bool shaken_hands = false;
    std::string text;
    std::string server_name;
};
TlsRequest answer_over_tls(Peer& peer, const std::string& answer);

}  // namespace understudy::lb
