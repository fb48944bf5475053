// SPDX-License-Identifier: Apache-2.0
// What a bench's ratios are meant to reach.
#pragma once

#include <string>
#include <vector>

#include "sim/bench/core/results.hpp"

namespace understudy::bench {

struct Aim {
    std::string pair;               // "ours/sshfs"
    std::vector<std::string> keys;  // of these metrics; of every one when empty
    double least = 1;
};

// A line for each ratio that an aim covers and that is below it. What was not measured misses no aim.
std::vector<std::string> missed_aims(const Results& results, const std::vector<Aim>& aims);

// The same as a paragraph, which says so where every aim that was measured is reached.
std::string to_text(const Results& results, const std::vector<Aim>& aims);

}  // namespace understudy::bench
