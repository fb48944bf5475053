// SPDX-License-Identifier: Apache-2.0
// Dates, times, timestamps and intervals: their stored, shown and counted forms (PostgreSQL manual
// chapter 8.5, DateStyle ISO, IntervalStyle postgres, time zone UTC). Stored are texts of fixed width, which
// compare as time does: '2026-01-31', '12:00:00.000000', '2026-01-31 12:00:00.000000' and the same with
// '+00'; years 1 to 9999. An interval is stored as 'MONTHS,DAYS,MICROSECONDS'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::database {

constexpr std::int64_t postgres_epoch_unix_days = 10'957;  // 2000-01-01
constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t us_per_day = 86'400 * us_per_second;
constexpr std::int64_t postgres_epoch_unix_us = postgres_epoch_unix_days * us_per_day;
constexpr std::int64_t least_unix_us = -62'135'596'800 * us_per_second;         // 0001-01-01
constexpr std::int64_t greatest_unix_us = 253'402'300'800 * us_per_second - 1;  // the end of 9999

// Microseconds since 1970, UTC. Accepts ISO 8601 with a blank or a 'T', with or without fraction and offset;
// finer fractions are rounded.
std::optional<std::int64_t> parse_timestamp(std::string_view text);
std::string stored_timestamp(std::int64_t unix_us, bool with_zone);
std::string shown_timestamp(std::string_view stored);  // PostgreSQL shows no trailing zeros of the fraction

std::optional<std::int64_t> parse_date(std::string_view text);  // days since 1970
std::string stored_date(std::int64_t unix_days);

std::optional<std::int64_t> parse_time(std::string_view text);  // microseconds since midnight
std::string stored_time(std::int64_t us);

struct Interval {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t us = 0;
    bool operator==(const Interval&) const = default;
};
std::optional<Interval> parse_interval(std::string_view text);  // '1 day 02:03:04', '1.5 hours ago', 'P1DT2H'
std::string stored_interval(const Interval& interval);
std::optional<Interval> read_interval(std::string_view stored);
std::string shown_interval(const Interval& interval);
// What intervals are ordered by: a month counts as 30 days, a day as 24 hours.
long double interval_order_us(const Interval& interval);
std::optional<Interval> multiply(const Interval& interval, double factor);

// A timestamp moved by an interval: first the months (to the last day of a shorter month), then days and
// time.
std::optional<std::int64_t> add(std::int64_t unix_us, const Interval& interval);

struct CivilTime {
    std::int32_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, us = 0;
    std::int32_t day_of_week = 0;  // 0 Sunday
    std::int32_t day_of_year = 1;
};
CivilTime civil(std::int64_t unix_us);
std::int64_t from_civil(const CivilTime& time);
// PostgreSQL's date_trunc: the moment at which the unit ('hour', 'month', …) that contains it began.
std::optional<std::int64_t> truncate(std::string_view unit, std::int64_t unix_us);

}  // namespace understudy::database
