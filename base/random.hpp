// SPDX-License-Identifier: Apache-2.0
// A seeded generator and the distributions drawn from it, the same on every machine and library: standard
// distributions are not. Generator: xoshiro256** 1.0 (Blackman and Vigna), seeded through splitmix64.
#pragma once

#include <array>
#include <cstdint>

namespace understudy {

class Random {
  public:
    explicit Random(std::uint64_t seed);

    std::uint64_t next();
    std::uint64_t below(std::uint64_t bound);  // 0 <= result < bound, unbiased; bound > 0
    double unit();                             // 0 <= result < 1
    bool chance(double probability) { return unit() < probability; }

  private:
    std::array<std::uint64_t, 4> state_;
};

}  // namespace understudy
