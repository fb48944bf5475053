// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/moments.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "storage/database/core/ascii.hpp"

namespace understudy::database {
namespace {

bool read_digits(std::string_view text, std::size_t& at, int count, std::int64_t& value) {
    value = 0;
    for (int i = 0; i < count; ++i, ++at) {
        if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
        value = value * 10 + (text[at] - '0');
    }
    return true;
}
bool skip(std::string_view text, std::size_t& at, char c) {
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
}

// YYYY-MM-DD at `at`.
std::optional<std::int64_t> read_date(std::string_view text, std::size_t& at) {
    using namespace std::chrono;
    std::int64_t year_number = 0, month_number = 0, day_number = 0;
    if (!read_digits(text, at, 4, year_number) || !skip(text, at, '-') ||
        !read_digits(text, at, 2, month_number) || !skip(text, at, '-') ||
        !read_digits(text, at, 2, day_number))
        return std::nullopt;
    const year_month_day date{year(static_cast<int>(year_number)), month(static_cast<unsigned>(month_number)),
                              day(static_cast<unsigned>(day_number))};
    if (!date.ok() || year_number == 0) return std::nullopt;
    return sys_days(date).time_since_epoch().count();
}

// HH:MM[:SS[.f]] at `at`.
std::optional<std::int64_t> read_time(std::string_view text, std::size_t& at) {
    std::int64_t hour = 0, minute = 0, second = 0, us = 0;
    if (!read_digits(text, at, 2, hour) || !skip(text, at, ':') || !read_digits(text, at, 2, minute))
        return std::nullopt;
    if (skip(text, at, ':') && !read_digits(text, at, 2, second)) return std::nullopt;
    if (skip(text, at, '.')) {
        std::int64_t scale = 100'000;
        bool round_up = false;
        if (at >= text.size() || text[at] < '0' || text[at] > '9') return std::nullopt;
        for (bool first_beyond = true; at < text.size() && text[at] >= '0' && text[at] <= '9';
             ++at, scale /= 10) {
            if (scale > 0) {
                us += (text[at] - '0') * scale;
            } else if (first_beyond) {
                round_up = text[at] >= '5';
                first_beyond = false;
            }
        }
        us += round_up ? 1 : 0;
    }
    if (minute > 59 || second > 60 || hour > 24 || (hour == 24 && minute + second + us > 0))
        return std::nullopt;
    return ((hour * 60 + minute) * 60 + second) * us_per_second + us;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
    text = trimmed(text);
    std::size_t at = 0;
    const auto days = read_date(text, at);
    if (!days) return std::nullopt;
    std::int64_t us = *days * us_per_day;
    if (at < text.size()) {
        const bool parted = skip(text, at, ' ') || skip(text, at, 'T');
        if (at < text.size() && text[at] >= '0' && text[at] <= '9') {
            const auto time = read_time(text, at);
            if (!parted || !time) return std::nullopt;
            us += *time;
        }
        skip(text, at, ' ');
        if (text.substr(at) == "UTC" || text.substr(at) == "GMT" || text.substr(at) == "Z") {
            at = text.size();
        } else if (at < text.size()) {
            const std::int64_t sign = text[at] == '-' ? -1 : 1;
            std::int64_t hours = 0, minutes = 0, seconds = 0;
            if (!skip(text, at, '+') && !skip(text, at, '-')) return std::nullopt;
            if (!read_digits(text, at, 2, hours)) return std::nullopt;
            skip(text, at, ':');
            if (at < text.size() && !read_digits(text, at, 2, minutes)) return std::nullopt;
            if (skip(text, at, ':') && !read_digits(text, at, 2, seconds)) return std::nullopt;
            if (hours > 15 || minutes > 59 || seconds > 59) return std::nullopt;
            us -= sign * ((hours * 60 + minutes) * 60 + seconds) * us_per_second;
        }
        if (at != text.size()) return std::nullopt;
    }
    if (us < least_unix_us || us > greatest_unix_us) return std::nullopt;
    return us;
}

// Written by hand: a general formatter took a seventh of a COPY's time.
std::string stored_timestamp(std::int64_t unix_us, bool with_zone) {
    const CivilTime time = civil(unix_us);
    std::string text = with_zone ? "0000-00-00 00:00:00.000000+00" : "0000-00-00 00:00:00.000000";
    const auto write = [&text](std::size_t end, std::int32_t number) {
        for (; number > 0; number /= 10) text[--end] = static_cast<char>('0' + number % 10);
    };
    write(4, time.year);
    write(7, time.month);
    write(10, time.day);
    write(13, time.hour);
    write(16, time.minute);
    write(19, time.second);
    write(26, time.us);
    return text;
}

std::string shown_timestamp(std::string_view stored) {
    const auto point = stored.find('.');
    if (point == std::string_view::npos || stored.size() < point + 7) return std::string(stored);
    std::size_t end = point + 7;
    while (stored[end - 1] == '0') --end;
    if (end == point + 1) --end;
    return std::string(stored.substr(0, end)) + std::string(stored.substr(point + 7));
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    text = trimmed(text);
    std::size_t at = 0;
    const auto days = read_date(text, at);
    if (days && at == text.size()) return days;
    const auto us = parse_timestamp(text);  // a timestamp's date: its time is dropped
    if (!us) return std::nullopt;
    return *us >= 0 ? *us / us_per_day : -((-*us + us_per_day - 1) / us_per_day);
}

std::string stored_date(std::int64_t unix_days) {
    return stored_timestamp(unix_days * us_per_day, false).substr(0, 10);
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    text = trimmed(text);
    std::size_t at = 0;
    const auto us = read_time(text, at);
    if (!us || at != text.size()) return std::nullopt;
    return us;
}

std::string stored_time(std::int64_t us) {
    const std::int64_t seconds = us / us_per_second;
    return fmt::format("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                       us % us_per_second);
}

CivilTime civil(std::int64_t unix_us) {
    using namespace std::chrono;
    const sys_time<microseconds> when{microseconds(unix_us)};
    const auto midnight = floor<days>(when);
    const year_month_day date(midnight);
    const hh_mm_ss time(when - midnight);
    CivilTime result;
    result.year = int(date.year());
    result.month = static_cast<std::int32_t>(unsigned(date.month()));
    result.day = static_cast<std::int32_t>(unsigned(date.day()));
    result.hour = static_cast<std::int32_t>(time.hours().count());
    result.minute = static_cast<std::int32_t>(time.minutes().count());
    result.second = static_cast<std::int32_t>(time.seconds().count());
    result.us = static_cast<std::int32_t>(time.subseconds().count());
    result.day_of_week = static_cast<std::int32_t>(weekday(midnight).c_encoding());
    result.day_of_year =
        static_cast<std::int32_t>((midnight - sys_days(date.year() / January / 1)).count()) + 1;
    return result;
}

std::int64_t from_civil(const CivilTime& time) {
    using namespace std::chrono;
    const auto date = sys_days(year(time.year) / month(static_cast<unsigned>(time.month)) /
                               day(static_cast<unsigned>(time.day)));
    return date.time_since_epoch().count() * us_per_day +
           ((std::int64_t{time.hour} * 60 + time.minute) * 60 + time.second) * us_per_second + time.us;
}

std::optional<std::int64_t> add(std::int64_t unix_us, const Interval& interval) {
    using namespace std::chrono;
    if (interval.months != 0) {
        CivilTime time = civil(unix_us);
        const std::int64_t month_count = std::int64_t{time.year} * 12 + time.month - 1 + interval.months;
        if (month_count < 12 || month_count >= 120'000) return std::nullopt;
        time.year = static_cast<std::int32_t>(month_count / 12);
        time.month = static_cast<std::int32_t>(month_count % 12) + 1;
        const auto last =
            year_month_day_last(year(time.year), month_day_last(month(static_cast<unsigned>(time.month))));
        time.day = std::min(time.day, static_cast<std::int32_t>(unsigned(last.day())));
        unix_us = from_civil(time);
    }
    std::int64_t moved = 0;
    if (__builtin_mul_overflow(std::int64_t{interval.days}, us_per_day, &moved) ||
        __builtin_add_overflow(moved, interval.us, &moved) || __builtin_add_overflow(unix_us, moved, &moved))
        return std::nullopt;
    if (moved < least_unix_us || moved > greatest_unix_us) return std::nullopt;
    return moved;
}

std::optional<std::int64_t> truncate(std::string_view unit, std::int64_t unix_us) {
    CivilTime time = civil(unix_us);
    constexpr std::array<std::string_view, 8> units = {"microseconds", "milliseconds", "second", "minute",
                                                       "hour",         "day",          "month",  "year"};
    if (unit == "week") {
        const std::int64_t midnight = *truncate("day", unix_us);
        return midnight - (time.day_of_week + 6) % 7 * us_per_day;
    }
    if (unit == "quarter") time.month = (time.month - 1) / 3 * 3 + 1;
    std::size_t level = unit == "quarter" ? 6 : units.size();
    for (std::size_t i = 0; i < units.size(); ++i)
        if (unit == units[i]) level = i;
    if (level == units.size()) return std::nullopt;
    if (level == 1) time.us = time.us / 1000 * 1000;
    if (level >= 2) time.us = 0;
    if (level >= 3) time.second = 0;
    if (level >= 4) time.minute = 0;
    if (level >= 5) time.hour = 0;
    if (level >= 6) time.day = 1;
    if (level >= 7) time.month = 1;
    return from_civil(time);
}

}  // namespace understudy::database
