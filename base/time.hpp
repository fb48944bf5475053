// SPDX-License-Identifier: Apache-2.0
// Time as the pure machines see it. Instant is monotonic: it is handed in by whoever drives a machine and has
// no now(). WallTime is for people and databases and is never compared with an Instant.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct MonotonicTimeline {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<MonotonicTimeline, Duration>;
    static constexpr bool is_steady = true;
};
using Instant = MonotonicTimeline::time_point;

using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// When a machine wants on_timeout() called next, and why. Of equal instants the lower sequence comes first.
struct Deadline {
    Instant when;
    const char* why;
    std::uint64_t sequence = 0;

    friend bool operator<(const Deadline& a, const Deadline& b) {
        return a.when != b.when ? a.when < b.when : a.sequence < b.sequence;
    }
};

// The earlier of two optional deadlines.
std::optional<Deadline> earlier(const std::optional<Deadline>& a, const std::optional<Deadline>& b);

// "500ms", "5s", "1.5s", "4m", "2h", "250us", "0s". A number without a unit is refused.
Result<Duration> parse_duration(std::string_view text);

// The shortest exact form for whole units, else three significant decimals: "500ms", "5s", "1.25s", "2m30s".
std::string format_duration(Duration duration);

// Of a part of a millisecond nothing is left.
inline std::int64_t whole_milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

inline double to_milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace understudy
