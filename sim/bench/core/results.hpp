// SPDX-License-Identifier: Apache-2.0
// What a bench found, in the form every bench of the project writes: rows of medians and ratios in which
// above 1 means that ours is better. build/bench/NAME.json holds
// {"rows":[{"case","metric","median","unit"}],"ratios":{…}}, NAME.svg the bars.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace understudy::bench {

struct Row {
    std::string name;  // the case
    std::string metric;
    double median = 0;
    std::string unit;
};

struct Results {
    std::vector<Row> rows;
    std::map<std::string, double> ratios;
};

double median(std::vector<double> values);  // of at least one

std::string to_json(const Results& results);
std::string to_table(const Results& results);
// A line for each metric with a column for each case, then a line for each ratio's metric (what follows the
// first space of its name) with a column for what comes before it; "-" where there is no figure.
std::string to_side_by_side(const Results& results);
// Horizontal bars, a group for each metric, scaled within it.
std::string to_svg(const Results& results, const std::string& title);

}  // namespace understudy::bench
