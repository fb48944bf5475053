// SPDX-License-Identifier: Apache-2.0
// A region's status document (`understudy status --json`) as text for people: a table of hosts, the balancers
// with what their probes see, the faults in force.
#pragma once

#include <string>

#include "base/json.hpp"

namespace understudy::cli {

std::string status_text(const json::object& status);

}  // namespace understudy::cli
