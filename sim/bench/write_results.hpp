// SPDX-License-Identifier: Apache-2.0
// Writes what a bench found to FOLDER/NAME.json and FOLDER/NAME.svg, which are made or replaced.
#pragma once

#include <string>

#include "base/result.hpp"
#include "sim/bench/core/results.hpp"

namespace understudy::bench {

Result<void> write_results(const Results& results, const std::string& folder, const std::string& name,
                           const std::string& title);

}  // namespace understudy::bench
