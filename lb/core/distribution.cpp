// SPDX-License-Identifier: Apache-2.0
#include "lb/core/distribution.hpp"

#include <algorithm>
#include <utility>

namespace understudy::lb {
namespace {

// The finalizer of splitmix64: every bit of the input reaches every bit of the result.
std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

std::uint64_t identity_of(std::string_view host) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
    for (const char c : host) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return mix(hash);
}

std::uint64_t hash_of(const FlowKey& flow, Distribution mode) {
    const std::uint64_t addresses =
        std::uint64_t{flow.client.address.bits} << 32 | flow.frontend.address.bits;
    std::uint64_t rest = 0;
    if (mode == Distribution::five_tuple)
        rest = std::uint64_t{flow.client.port} << 32 | std::uint64_t{flow.frontend.port} << 8 | flow.protocol;
    if (mode == Distribution::source_ip_protocol) rest = flow.protocol;
    return mix(mix(addresses) ^ rest);
}

namespace {

const Candidate* highest(std::size_t bucket, std::span<const Candidate> candidates,
                         std::span<const std::size_t> excluded) {
    const std::uint64_t hash = mix(bucket);
    const Candidate* best = nullptr;
    std::pair<std::uint64_t, std::uint64_t> best_weight;
    for (const Candidate& candidate : candidates) {
        if (std::find(excluded.begin(), excluded.end(), candidate.backend) != excluded.end()) continue;
        // The identity behind the weight breaks ties without regard to order.
        const std::pair weight{mix(hash ^ candidate.identity), candidate.identity};
        if (best != nullptr && weight <= best_weight) continue;
        best = &candidate;
        best_weight = weight;
    }
    return best;
}

}  // namespace

std::optional<std::size_t> choose(const FlowKey& flow, std::span<const Candidate> candidates,
                                  std::span<const std::size_t> excluded, Distribution mode) {
    const Candidate* best = highest(hash_of(flow, mode) % bucket_count, candidates, excluded);
    return best == nullptr ? std::nullopt : std::optional(best->backend);
}

std::vector<std::size_t> bucket_table(std::span<const Candidate> candidates) {
    std::vector<std::size_t> table;
    if (candidates.empty()) return table;
    table.reserve(bucket_count);
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket)
        table.push_back(highest(bucket, candidates, {})->backend);
    return table;
}

}  // namespace understudy::lb
