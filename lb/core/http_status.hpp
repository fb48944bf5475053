// SPDX-License-Identifier: Apache-2.0
// The status code out of the first line of an HTTP/1.x answer. What a probe needs of HTTP, and all it reads.
// Rule: RFC 9112, section 4: HTTP-version SP status-code SP [reason].
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"

namespace understudy::lb {

// A status line longer than this is not an answer worth waiting for.
constexpr std::size_t longest_status_line = 1024;

// `line` with or without its line end. Errors: not HTTP/1.x, no three-digit code.
Result<int> parse_status_line(std::string_view line);

}  // namespace understudy::lb
