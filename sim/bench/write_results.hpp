// SPDX-License-Identifier: Apache-2.0
// How a bench ends: what it found is written to FOLDER/NAME.json and FOLDER/NAME.svg, which are made or
// replaced, and which aims it missed is said below its table.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/bench/core/aims.hpp"
#include "sim/bench/core/results.hpp"

namespace understudy::bench {

Result<void> write_results(const Results& results, const std::string& folder, const std::string& name,
                           const std::string& title);

// Prints the missed aims, writes the results and prints where they are.
Result<void> conclude(const Results& results, const std::vector<Aim>& aims, const std::string& folder,
                      const std::string& name, const std::string& title);

}  // namespace understudy::bench
