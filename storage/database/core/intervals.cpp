// SPDX-License-Identifier: Apache-2.0
// Intervals of moments.hpp.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "storage/database/core/moments.hpp"

namespace understudy::database {
namespace {

struct Unit {
    const char* name;
    double months;
    double days;
    double us;
};
constexpr Unit units[] = {
    {"microsecond", 0, 0, 1}, {"us", 0, 0, 1},        {"usec", 0, 0, 1},     {"millisecond", 0, 0, 1e3},
    {"ms", 0, 0, 1e3},        {"msec", 0, 0, 1e3},    {"second", 0, 0, 1e6}, {"sec", 0, 0, 1e6},
    {"s", 0, 0, 1e6},         {"minute", 0, 0, 60e6}, {"min", 0, 0, 60e6},   {"m", 0, 0, 60e6},
    {"hour", 0, 0, 3600e6},   {"hr", 0, 0, 3600e6},   {"h", 0, 0, 3600e6},   {"day", 0, 1, 0},
    {"d", 0, 1, 0},           {"week", 0, 7, 0},      {"w", 0, 7, 0},        {"month", 1, 0, 0},
    {"mon", 1, 0, 0},         {"year", 12, 0, 0},     {"yr", 12, 0, 0},      {"y", 12, 0, 0},
    {"decade", 120, 0, 0},    {"century", 1200, 0, 0}};

const Unit* unit_of(std::string_view name) {
    for (const auto& unit : units)
        if (name == unit.name ||
            (name.size() > 1 && name.back() == 's' && name.substr(0, name.size() - 1) == unit.name))
            return &unit;
    return name == "centuries" ? &units[std::size(units) - 1] : nullptr;
}

// Sums of counts of months, days and microseconds; fractions of a month become days, of a day time.
struct Sum {
    double months = 0;
    double days = 0;
    double us = 0;

    std::optional<Interval> interval() const {
        Interval result;
        const double whole_months = std::trunc(months);
        double all_days = days + (months - whole_months) * 30;
        if (std::abs(all_days - std::nearbyint(all_days)) < 1e-7) all_days = std::nearbyint(all_days);
        const double whole_days = std::trunc(all_days);
        const double all_us = std::nearbyint(us + (all_days - whole_days) * 86'400e6);
        if (std::abs(whole_months) > 2e9 || std::abs(whole_days) > 2e9 || std::abs(all_us) > 9.2e18)
            return std::nullopt;
        result.months = static_cast<std::int32_t>(whole_months);
        result.days = static_cast<std::int32_t>(whole_days);
        result.us = static_cast<std::int64_t>(all_us);
        return result;
    }
};

struct Scanner {
    std::string_view rest;

    void skip_blanks() {
        while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    }
    std::optional<double> number() {
        std::size_t size = 0;
        if (size < rest.size() && (rest[size] == '+' || rest[size] == '-')) ++size;
        while (size < rest.size() && ((rest[size] >= '0' && rest[size] <= '9') || rest[size] == '.')) ++size;
        double value = 0;
        std::string_view digits = rest.substr(0, size);
        if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
        const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size())
            return std::nullopt;
        rest.remove_prefix(size);
        return value;
    }
    std::string word() {
        std::string name;
        while (!rest.empty() && std::isalpha(static_cast<unsigned char>(rest.front())) != 0) {
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(rest.front())));
            rest.remove_prefix(1);
        }
        return name;
    }
};

// [-]HH:MM[:SS[.f]] with any number of hours, the sign already read.
bool read_clock(std::string_view part, double sign, Sum& sum) {
    const auto colon = part.find(':');
    double values[3] = {};
    std::size_t at = 0;
    for (int i = 0; i < 3; ++i) {
        const auto end = std::from_chars(part.data() + at, part.data() + part.size(), values[i]);
        if (end.ec != std::errc()) return false;
        at = static_cast<std::size_t>(end.ptr - part.data());
        if (at == part.size()) break;
        if (part[at] != ':' || i == 2) return false;
        ++at;
    }
    if (colon == std::string_view::npos || at != part.size() || values[1] >= 60 || values[2] >= 60)
        return false;
    sum.us += sign * ((values[0] * 60 + values[1]) * 60 + values[2]) * 1e6;
    return true;
}

// ISO 8601: P1Y2M3DT4H5M6S.
std::optional<Interval> read_iso(std::string_view text) {
    Scanner scanner{text.substr(1)};
    Sum sum;
    bool time = false;
    if (scanner.rest.empty()) return std::nullopt;
    while (!scanner.rest.empty()) {
        if (scanner.rest.front() == 'T') {
            time = true;
            scanner.rest.remove_prefix(1);
        }
        const auto value = scanner.number();
        if (!value || scanner.rest.empty()) return std::nullopt;
        const char unit = scanner.rest.front();
        scanner.rest.remove_prefix(1);
        if (!time && unit == 'Y')
            sum.months += *value * 12;
        else if (!time && unit == 'M')
            sum.months += *value;
        else if (!time && unit == 'W')
            sum.days += *value * 7;
        else if (!time && unit == 'D')
            sum.days += *value;
        else if (time && unit == 'H')
            sum.us += *value * 3600e6;
        else if (time && unit == 'M')
            sum.us += *value * 60e6;
        else if (time && unit == 'S')
            sum.us += *value * 1e6;
        else
            return std::nullopt;
    }
    return sum.interval();
}

}  // namespace

std::optional<Interval> parse_interval(std::string_view text) {
    Scanner scanner{text};
    scanner.skip_blanks();
    while (!scanner.rest.empty() && scanner.rest.back() == ' ') scanner.rest.remove_suffix(1);
    if (scanner.rest.empty()) return std::nullopt;
    if (scanner.rest.front() == 'P') return read_iso(scanner.rest);
    if (scanner.rest.front() == '@') scanner.rest.remove_prefix(1);
    Sum sum;
    while (true) {
        scanner.skip_blanks();
        if (scanner.rest.empty()) break;
        if (scanner.rest == "ago") {
            sum = {-sum.months, -sum.days, -sum.us};
            break;
        }
        const std::string_view part = scanner.rest.substr(0, scanner.rest.find(' '));
        if (part.find(':') != std::string_view::npos) {
            const bool signs = part.front() == '-' || part.front() == '+';
            if (!read_clock(part.substr(signs ? 1 : 0), part.front() == '-' ? -1 : 1, sum))
                return std::nullopt;
            scanner.rest.remove_prefix(part.size());
            continue;
        }
        const auto value = scanner.number();
        if (!value) return std::nullopt;
        scanner.skip_blanks();
        const std::string name = scanner.word();
        if (name.empty() && scanner.rest.empty()) {
            sum.us += *value * 1e6;  // a bare number counts seconds
            break;
        }
        const Unit* unit = unit_of(name);
        if (unit == nullptr) return std::nullopt;
        sum.months += *value * unit->months;
        sum.days += *value * unit->days;
        sum.us += *value * unit->us;
    }
    return sum.interval();
}

std::string stored_interval(const Interval& interval) {
    return fmt::format("{},{},{}", interval.months, interval.days, interval.us);
}

std::optional<Interval> read_interval(std::string_view stored) {
    Interval result;
    const char* end = stored.data() + stored.size();
    auto at = std::from_chars(stored.data(), end, result.months);
    if (at.ec != std::errc() || at.ptr == end || *at.ptr != ',') return std::nullopt;
    at = std::from_chars(at.ptr + 1, end, result.days);
    if (at.ec != std::errc() || at.ptr == end || *at.ptr != ',') return std::nullopt;
    at = std::from_chars(at.ptr + 1, end, result.us);
    if (at.ec != std::errc() || at.ptr != end) return std::nullopt;
    return result;
}

std::string shown_interval(const Interval& interval) {
    std::string text;
    bool negative_before = false;
    const auto part = [&](std::int32_t count, const char* singular) {
        if (count == 0) return;
        // A part after a negative one carries its plus.
        text += fmt::format("{}{}{} {}{}", text.empty() ? "" : " ", negative_before && count > 0 ? "+" : "",
                            count, singular, count == 1 ? "" : "s");
        negative_before = count < 0;
    };
    part(interval.months / 12, "year");
    part(interval.months % 12, "mon");
    part(interval.days, "day");
    if (interval.us == 0 && !text.empty()) return text;
    const std::uint64_t magnitude = interval.us < 0 ? 0 - static_cast<std::uint64_t>(interval.us)
                                                    : static_cast<std::uint64_t>(interval.us);
    const std::uint64_t seconds = magnitude / 1'000'000;
    if (!text.empty()) text += ' ';
    text += fmt::format("{}{:02}:{:02}:{:02}",
                        interval.us < 0   ? "-"
                        : negative_before ? "+"
                                          : "",
                        seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (const auto fraction = magnitude % 1'000'000; fraction != 0) {
        text += fmt::format(".{:06}", fraction);
        while (text.back() == '0') text.pop_back();
    }
    return text;
}

long double interval_order_us(const Interval& interval) {
    return (static_cast<long double>(interval.months) * 30 + interval.days) * us_per_day +
           static_cast<long double>(interval.us);
}

std::optional<Interval> multiply(const Interval& interval, double factor) {
    if (!std::isfinite(factor)) return std::nullopt;
    return Sum{interval.months * factor, interval.days * factor, static_cast<double>(interval.us) * factor}
        .interval();
}

}  // namespace understudy::database
