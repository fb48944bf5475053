// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/metric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

namespace understudy::bench {
namespace {

double ratio_of(const std::vector<double>& ours, const std::vector<double>& peer) {
    const bool paired = ours.size() == peer.size() && *std::min_element(peer.begin(), peer.end()) > 0;
    if (!paired) return median(ours) / median(peer);
    std::vector<double> of_rounds;
    std::transform(ours.begin(), ours.end(), peer.begin(), std::back_inserter(of_rounds), std::divides());
    return median(of_rounds);
}

}  // namespace

Results compare(const std::vector<Metric>& metrics, const std::vector<std::string>& contenders,
                const Samples& samples, const std::vector<Pair>& pairs) {
    Results results;
    for (const Metric& metric : metrics) {
        const auto of_metric = samples.find(metric.key);
        if (of_metric == samples.end()) continue;
        const auto samples_of = [&of_metric](const std::string& contender) -> const std::vector<double>* {
            const auto found = of_metric->second.find(contender);
            return found == of_metric->second.end() || found->second.empty() ? nullptr : &found->second;
        };
        for (const std::string& contender : contenders)
            if (const auto* values = samples_of(contender))
                results.rows.push_back({contender, metric.words, median(*values), metric.unit});
        for (const auto& [ours, peer] : pairs) {
            const auto *of_ours = samples_of(ours), *of_peer = samples_of(peer);
            if (of_ours == nullptr || of_peer == nullptr || median(*of_ours) <= 0 || median(*of_peer) <= 0)
                continue;
            results.ratios[fmt::format("{}/{} {}", ours, peer, metric.key)] =
                metric.more_is_better ? ratio_of(*of_ours, *of_peer) : ratio_of(*of_peer, *of_ours);
        }
    }
    return results;
}

}  // namespace understudy::bench
