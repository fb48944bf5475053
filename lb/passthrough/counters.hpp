// SPDX-License-Identifier: Apache-2.0
// Reads the counters of an nftables table, and what they say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/core/passthrough_rules.hpp"
#include "lb/data_path.hpp"

namespace understudy::lb {

struct NftCounter {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};
using NftCounters = std::map<std::string, NftCounter, std::less<>>;

// `document` is what `list counters table …` prints as JSON (man libnftables-json); other objects in it are
// passed over. Error kind failed: no such document.
Result<NftCounters> read_counters(std::string_view document);

// What they say of the configuration's rules, by their places; without what is established, and without idle
// timeouts, which no counter knows.
Traffic traffic_of(const Config& config, const PassthroughRules& rules, const NftCounters& counters);

}  // namespace understudy::lb
