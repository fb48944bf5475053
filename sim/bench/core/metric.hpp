// SPDX-License-Identifier: Apache-2.0
// From the samples of contenders that were measured in turn to the medians and ratios that are published.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/bench/core/results.hpp"

namespace understudy::bench {

struct Metric {
    std::string key;    // in the ratios
    std::string words;  // in the table
    std::string unit;
    bool more_is_better = true;
};

struct Pair {
    std::string ours;
    std::string peer;
};

// By key and contender: what each round found, in the order of the rounds.
using Samples = std::map<std::string, std::map<std::string, std::vector<double>>>;

// A row for each metric and contender that has samples, in the order given; for each pair and metric the
// ratio "OURS/PEER KEY", above 1 where ours is better. It is the median of the rounds' own ratios: a machine
// that others use too changes its speed from round to round, and both of a round meet the same. (Where one
// missed a round or did nothing in it, the ratio of the medians.) A pair of which one has no samples or a
// median of nothing has no ratio.
Results compare(const std::vector<Metric>& metrics, const std::vector<std::string>& contenders,
                const Samples& samples, const std::vector<Pair>& pairs);

}  // namespace understudy::bench
