// SPDX-License-Identifier: Apache-2.0
// The start times that the bound is computed from, measured in the run itself: the longest of each kind among
// the highly available node's hosts before the first fault, and after it those in which the machine was busy
// (scenario/core/slowness.hpp): it need not be as fast then as it was. Pure. What was not seen is zero.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/core/region_event.hpp"
#include "sim/topology/bound.hpp"

namespace understudy::lab {

topology::MeasuredStart measure_start(const std::vector<scenario::RegionEvent>& events,
                                      const std::vector<std::string>& hosts);

}  // namespace understudy::lab
