// SPDX-License-Identifier: Apache-2.0
// An Error as one line of JSON and back: how a child process that sets a sandbox or a pod up tells its parent
// why it could not. The line has no newline inside and ends without one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::vmctl {

std::string to_error_line(const Error& error);

// A line that isn't such an object (a child that died while writing) becomes an Error of kind `failed`
// holding it.
Error error_from_line(std::string_view line);

}  // namespace understudy::vmctl
