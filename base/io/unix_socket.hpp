// SPDX-License-Identifier: Apache-2.0
// Connects to a Unix stream socket by its path. Errors: the path is too long for a socket (kind environment,
// with the number of bytes), or what connect(2) says. The descriptor is blocking and closed on exec.
#pragma once

#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::io {

Result<UniqueFd> connect_unix(const std::string& path);

}  // namespace understudy::io
