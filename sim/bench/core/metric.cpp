// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/metric.hpp"

#include <fmt/format.h>

namespace understudy::bench {

Results compare(const std::vector<Metric>& metrics, const std::vector<std::string>& contenders,
                const Samples& samples, const std::vector<Pair>& pairs) {
    Results results;
    for (const Metric& metric : metrics) {
        const auto of_metric = samples.find(metric.key);
        if (of_metric == samples.end()) continue;
        std::map<std::string, double> medians;
        for (const std::string& contender : contenders) {
            const auto found = of_metric->second.find(contender);
            if (found == of_metric->second.end() || found->second.empty()) continue;
            medians[contender] = median(found->second);
            results.rows.push_back({contender, metric.words, medians[contender], metric.unit});
        }
        for (const auto& [ours, peer] : pairs) {
            const double of_ours = medians[ours], of_peer = medians[peer];
            if (of_ours <= 0 || of_peer <= 0) continue;
            results.ratios[fmt::format("{}/{} {}", ours, peer, metric.key)] =
                metric.more_is_better ? of_ours / of_peer : of_peer / of_ours;
        }
    }
    return results;
}

}  // namespace understudy::bench
