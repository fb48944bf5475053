// SPDX-License-Identifier: Apache-2.0
// Whether something in this network namespace accepts TCP connections on a port, told by the kernel's table
// and not by connecting: software that counts or logs its connections doesn't notice. Rule: proc(5),
// /proc/net/tcp and tcp6.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace understudy::program {

// True if a line of the table is a socket in state LISTEN on the port. Lines that are not such are passed
// over.
bool table_has_listener(std::string_view table, std::uint16_t port);

// Error kind environment when neither table can be read.
Result<bool> is_listening(std::uint16_t port);

}  // namespace understudy::program
