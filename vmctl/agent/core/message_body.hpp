// SPDX-License-Identifier: Apache-2.0
// The body of each message: a JSON object, or for raw messages a stream byte and an id or a length-prefixed
// name, then the bytes. A message's type is its place in Message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

std::string body_of(const Message& message);

// bad_input: there is no such type, or the body is not one of it.
Result<Message> read_body(std::size_t type, std::string_view text);

// What is wrong with bytes from the other side.
Error malformed(const std::string& reason);

}  // namespace understudy::vmctl
