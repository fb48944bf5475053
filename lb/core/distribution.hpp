// SPDX-License-Identifier: Apache-2.0
// Which backend a flow goes to: rendezvous (highest random weight) hashing over the five-tuple. Each backend
// has a weight for each flow that depends on the two alone, and the highest healthy one takes it: when a
// backend goes, only its own flows move, and when it comes back, exactly those return. The same on every
// machine and run. Rule: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace understudy::lb {

// What of a flow decides its backend.
enum class Distribution { five_tuple, source_ip, source_ip_protocol };

struct FlowKey {
    Endpoint client;
    Endpoint frontend;
    std::uint8_t protocol = 6;  // IP protocol number; 6 is TCP
};

// A backend as the hash sees it: by its host name, so that its place in the list doesn't matter.
struct Candidate {
    std::size_t backend = 0;     // what choose() answers
    std::uint64_t identity = 0;  // identity_of(host)
};

std::uint64_t identity_of(std::string_view host);

// The candidate of the highest weight that isn't among `excluded`; none if there is no other. Order of the
// candidates is without effect.
std::optional<std::size_t> choose(const FlowKey& flow, std::span<const Candidate> candidates,
                                  std::span<const std::size_t> excluded);

// New flows of a rule are spread over so many buckets.
constexpr std::size_t bucket_count = 1024;

// The backend of each bucket: bucket_count entries, each of them choose()'s rule applied to the bucket in
// place of a flow; none where there are no candidates. Of two tables that differ by one candidate, only that
// candidate's buckets differ.
std::vector<std::size_t> bucket_table(std::span<const Candidate> candidates);

}  // namespace understudy::lb
