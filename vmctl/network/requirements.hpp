// SPDX-License-Identifier: Apache-2.0
// What the machine must permit and have for regions to run, tried out one by one: each in a throw-away
// sandbox or by opening the device, so that the answer is the kernel's and not a guess from settings.
#pragma once

#include <string>
#include <vector>

#include "vmctl/core/requirement.hpp"

namespace understudy::vmctl {

// Takes some tens of milliseconds. Leaves nothing behind. Threads: as start_sandbox().
std::vector<Requirement> check_requirements();

}  // namespace understudy::vmctl
