// SPDX-License-Identifier: Apache-2.0
// Which backend a flow goes to: its fields are hashed to one of 1024 buckets, and rendezvous (highest random
// weight) hashing gives each bucket to a backend. Each backend has a weight for each bucket that depends on
// the two alone, and the highest candidate takes it: when a backend goes, only its own buckets move, and when
// it comes back, exactly those return. The same on every machine and run. Rule: Thaler and Ravishankar,
// "Using name-based mappings to increase hit rates" (1998).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace understudy::lb {

// What of a flow decides its backend: client, frontend and protocol; the two addresses; or those and the
// protocol.
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

// New flows of a rule are spread over so many buckets.
constexpr std::size_t bucket_count = 1024;

// What the mode leaves of the flow, hashed. Its bucket is this modulo bucket_count.
std::uint64_t hash_of(const FlowKey& flow, Distribution mode);

// The backend of each bucket: bucket_count entries; none where there are no candidates. Of two tables that
// differ by one candidate, only that candidate's buckets differ. Order of the candidates is without effect.
std::vector<std::size_t> bucket_table(std::span<const Candidate> candidates);

// The backend of the flow's bucket in the table of the candidates that aren't among `excluded`; none if there
// are none.
std::optional<std::size_t> choose(const FlowKey& flow, std::span<const Candidate> candidates,
                                  std::span<const std::size_t> excluded,
                                  Distribution mode = Distribution::five_tuple);

}  // namespace understudy::lb
