// SPDX-License-Identifier: Apache-2.0
// An event with the place and time it got on arrival in the region: `at` counts from the region's start.
#pragma once

#include <string>

#include "base/event.hpp"
#include "base/time.hpp"

namespace understudy::scenario {

struct RegionEvent {
    Duration at{};
    std::string host;
    Event event;
};

}  // namespace understudy::scenario
