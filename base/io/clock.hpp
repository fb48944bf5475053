// SPDX-License-Identifier: Apache-2.0
// The live worlds' clock: CLOCK_MONOTONIC as an Instant. Only drivers call it; a pure machine is handed its
// result.
#pragma once

#include "base/time.hpp"

namespace understudy::io {

inline Instant monotonic_now() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

inline std::chrono::steady_clock::time_point to_steady(Instant instant) {
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(instant.time_since_epoch()));
}

}  // namespace understudy::io
