// SPDX-License-Identifier: Apache-2.0
// `understudy-files admin`: asks or changes a file service that runs.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::files {

// COMMAND [WORD]...: state, sessions, locks, faults, metrics; fault KIND [KEY=VALUE]...; heal ID; end CLIENT.
// The answer as text.
Result<std::string> administer(const std::string& socket, const std::vector<std::string>& words);

}  // namespace understudy::files
