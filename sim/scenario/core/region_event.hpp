// SPDX-License-Identifier: Apache-2.0
// An event with the place and time it got on arrival in the region: `at` counts from the region's start.
#pragma once

#include <string>
#include <string_view>

#include "base/event.hpp"
#include "base/time.hpp"

namespace understudy::scenario {

struct RegionEvent {
    Duration at{};
    std::string host;
    Event event;
};

inline bool is(const RegionEvent& told, std::string_view source, std::string_view name) {
    return told.event.source == source && told.event.name == name;
}

}  // namespace understudy::scenario
