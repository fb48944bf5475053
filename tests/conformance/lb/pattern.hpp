// SPDX-License-Identifier: Apache-2.0
// Bytes that say where in a stream they belong: one drawn block, of a length that no buffer is a multiple of,
// over and over. A byte lost, doubled or out of order shows at once, and no stream is held in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/integration/lb/sockets_of_test.hpp"

namespace understudy::lb::conformance {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t large_transfer = 128ULL << 20;
#else
constexpr std::uint64_t large_transfer = 1ULL << 30;
#endif

std::string drawn_bytes(std::size_t size, std::uint64_t seed);

class PatternReader {
  public:
    // The next bytes of the stream are these.
    bool fits(const char* bytes, std::size_t size);
    std::uint64_t at() const { return at_; }

  private:
    std::uint64_t at_ = 0;
};

bool send_all(Peer& peer, const char* bytes, std::size_t size);
bool send_pattern(Peer& peer, std::uint64_t size);
// Until the socket's own time limit for sending passes, `most` at most; how much was taken.
std::uint64_t send_pattern_until_full(Peer& peer, std::uint64_t most);
// To the end of the stream; how much of it was right.
std::uint64_t receive_pattern(Peer& peer, PatternReader reader = {});

}  // namespace understudy::lb::conformance
