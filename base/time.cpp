// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace understudy {
namespace {

struct Unit {
    std::string_view name;
    double nanoseconds;
};
constexpr std::array units{Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},
                           Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9}};
constexpr double longest_nanoseconds = 366.0 * 24 * 3600e9;

}  // namespace

std::optional<Deadline> earlier(const std::optional<Deadline>& a, const std::optional<Deadline>& b) {
    if (!a) return b;
    if (!b) return a;
    return *b < *a ? b : a;
}

Result<Duration> parse_duration(std::string_view text) {
    const auto refused = [&](std::string_view why) {
        return Error(ErrorKind::bad_input, fmt::format("duration '{}'", text), std::string(why))
            .with_remedy("write a number and a unit, such as 500ms, 5s, 4m or 2h");
    };
    double total = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    if (at == end) return refused("is empty");
    while (at != end) {
        double number = 0;
        const auto [after, failure] = std::from_chars(at, end, number, std::chars_format::fixed);
        if (failure != std::errc() || number < 0 || std::signbit(number)) return refused("is not a duration");
        const char* unit_end = after;
        while (unit_end != end && *unit_end >= 'a' && *unit_end <= 'z') ++unit_end;
        const std::string_view name(after, static_cast<std::size_t>(unit_end - after));
        const Unit* found = nullptr;
        for (const Unit& unit : units)
            if (unit.name == name) found = &unit;
        if (found == nullptr) return refused(name.empty() ? "has no unit" : "has an unknown unit");
        total += number * found->nanoseconds;
        if (total > longest_nanoseconds) return refused("is longer than a year");
        at = unit_end;
    }
    return Duration(std::llround(total));
}

std::string format_duration(Duration duration) {
    const auto count = duration.count();
    if (count < 0) return "-" + format_duration(-duration);
    if (count == 0) return "0s";
    if (count < 1'000) return fmt::format("{}ns", count);
    if (count < 1'000'000) return fmt::format("{:.4g}us", static_cast<double>(count) / 1e3);
    if (count < 1'000'000'000) return fmt::format("{:.4g}ms", static_cast<double>(count) / 1e6);
    const double seconds = static_cast<double>(count) / 1e9;
    if (seconds < 120) return fmt::format("{:.4g}s", seconds);
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    std::string text;
    if (whole >= 3600) text += fmt::format("{}h", whole / 3600);
    if (whole % 3600 >= 60) text += fmt::format("{}m", whole % 3600 / 60);
    if (whole % 60 != 0) text += fmt::format("{}s", whole % 60);
    return text;
}

}  // namespace understudy
