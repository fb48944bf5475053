// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/aims.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::bench {

std::vector<std::string> missed_aims(const Results& results, const std::vector<Aim>& aims) {
    std::vector<std::string> lines;
    for (const Aim& aim : aims)
        for (const auto& [name, ratio] : results.ratios) {
            if (!name.starts_with(aim.pair + " ") || ratio >= aim.least) continue;
            const std::string key = name.substr(aim.pair.size() + 1);
            if (aim.keys.empty() || std::find(aim.keys.begin(), aim.keys.end(), key) != aim.keys.end())
                lines.push_back(fmt::format("{}: {:.2f}, the aim is {:.2f}", name, ratio, aim.least));
        }
    return lines;
}

std::string to_text(const Results& results, const std::vector<Aim>& aims) {
    std::string text;
    for (const std::string& line : missed_aims(results, aims)) text += "aim missed: " + line + "\n";
    return text.empty() ? "every aim that was measured is reached\n" : text;
}

}  // namespace understudy::bench
