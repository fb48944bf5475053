// SPDX-License-Identifier: Apache-2.0
// Dates, timestamps and intervals: PostgreSQL manual chapter 9.9.
#include "storage/database/core/moments.hpp"

#include <algorithm>
#include <cmath>

#include "storage/database/core/numeric.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

// Stored values were checked when they came in: these hold for what a defect left there.
std::int64_t moment(Call& call, int index) {
    return parse_timestamp(call.text(index)).value_or(0);
}
Interval interval(Call& call, int index) {
    return read_interval(call.text(index)).value_or(Interval{});
}
void give_interval(Call& call, const std::optional<Interval>& value) {
    if (!value) return call.fail("22008", "interval out of range");
    call.give(std::string_view(stored_interval(*value)));
}
Interval opposite(Interval value) {
    return {-value.months, -value.days, -value.us};
}

void moment_add(Call& call) {
    Interval step = interval(call, 1);
    if (call.integer(2) < 0) step = opposite(step);
    const auto result = add(moment(call, 0), step);
    if (!result) return call.fail("22008", "timestamp out of range");
    call.give(std::string_view(stored_timestamp(*result, call.integer(3) != 0)));
}

// As timestamp_mi(): whole days apart from the time.
void moment_difference(Call& call) {
    const std::int64_t us = moment(call, 0) - moment(call, 1);
    give_interval(call, Interval{0, static_cast<std::int32_t>(us / us_per_day), us % us_per_day});
}

void date_difference(Call& call) {
    call.give(parse_date(call.text(0)).value_or(0) - parse_date(call.text(1)).value_or(0));
}
void date_add(Call& call) {
    const std::int64_t days = parse_date(call.text(0)).value_or(0) + call.integer(1) * call.integer(2);
    if (days < least_unix_us / us_per_day || days > greatest_unix_us / us_per_day)
        return call.fail("22008", "date out of range");
    call.give(std::string_view(stored_date(days)));
}

void interval_add(Call& call) {
    const Interval left = interval(call, 0);
    Interval right = interval(call, 1);
    if (call.integer(2) < 0) right = opposite(right);
    Interval result;
    if (__builtin_add_overflow(left.months, right.months, &result.months) ||
        __builtin_add_overflow(left.days, right.days, &result.days) ||
        __builtin_add_overflow(left.us, right.us, &result.us))
        return give_interval(call, std::nullopt);
    give_interval(call, result);
}
void interval_multiply(Call& call) {
    give_interval(call, multiply(interval(call, 0), call.real(1)));
}
void interval_divide(Call& call) {
    if (call.real(1) == 0) return call.fail(sqlstate::division_by_zero, "division by zero");
    give_interval(call, multiply(interval(call, 0), 1 / call.real(1)));
}

void date_trunc(Call& call) {
    std::string unit(call.text(0));
    for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (unit == "milliseconds" || unit == "microseconds") {
    } else if (unit.size() > 1 && unit.back() == 's') {
        unit.pop_back();
    }
    const auto result = truncate(unit, moment(call, 1));
    if (!result)
        return call.fail("22023", fmt::format("unit \"{}\" not recognized for type timestamp", call.text(0)));
    call.give(std::string_view(stored_timestamp(*result, call.integer(2) != 0)));
}

void from_epoch(Call& call) {
    const double us = std::nearbyint(call.real(0) * 1e6);
    if (!(us >= static_cast<double>(least_unix_us) && us <= static_cast<double>(greatest_unix_us)))
        return call.fail("22008", "timestamp out of range");
    call.give(std::string_view(stored_timestamp(static_cast<std::int64_t>(us), true)));
}

// A number of units and a count of millionths, in the scale that EXTRACT shows.
struct Field {
    std::int64_t millionths = 0;
    std::int32_t scale = 0;
};

// ISO 8601: a week belongs to the year of its Thursday.
struct IsoWeek {
    std::int32_t year, week;
};
IsoWeek iso_week(const CivilTime& time) {
    const auto is_leap = [](std::int32_t year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    };
    const std::int32_t thursday = time.day_of_year + 4 - (time.day_of_week == 0 ? 7 : time.day_of_week);
    const std::int32_t days = is_leap(time.year) ? 366 : 365;
    if (thursday < 1) return {time.year - 1, (thursday + (is_leap(time.year - 1) ? 366 : 365) + 6) / 7};
    if (thursday > days) return {time.year + 1, 1};
    return {time.year, (thursday + 6) / 7};
}

std::optional<Field> field_of(std::string_view name, const CivilTime& time, std::int64_t unix_us) {
    const auto whole = [](std::int64_t value) { return Field{value * 1'000'000, 0}; };
    if (name == "epoch") return Field{unix_us, 6};
    if (name == "year") return whole(time.year);
    if (name == "month") return whole(time.month);
    if (name == "day") return whole(time.day);
    if (name == "hour") return whole(time.hour);
    if (name == "minute") return whole(time.minute);
    if (name == "second") return Field{time.second * 1'000'000LL + time.us, 6};
    if (name == "milliseconds") return Field{(time.second * 1'000'000LL + time.us) * 1000, 3};
    if (name == "microseconds") return whole(time.second * 1'000'000LL + time.us);
    if (name == "dow") return whole(time.day_of_week);
    if (name == "isodow") return whole(time.day_of_week == 0 ? 7 : time.day_of_week);
    if (name == "doy") return whole(time.day_of_year);
    if (name == "week") return whole(iso_week(time).week);
    if (name == "isoyear") return whole(iso_week(time).year);
    if (name == "quarter") return whole((time.month - 1) / 3 + 1);
    if (name == "decade") return whole(time.year / 10);
    if (name == "century") return whole((time.year + 99) / 100);
    if (name == "timezone") return whole(0);
    return std::nullopt;
}

std::optional<Field> field_of(std::string_view name, const Interval& value) {
    // PostgreSQL counts a year as 365.25 days here.
    if (name == "epoch")
        return Field{
            (value.months / 12 * 31'557'600LL + value.months % 12 * 2'592'000LL + value.days * 86'400LL) *
                    1'000'000 +
                value.us,
            6};
    CivilTime time;
    time.year = value.months / 12;
    time.month = value.months % 12;
    time.day = value.days;
    time.hour = static_cast<std::int32_t>(value.us / 3'600'000'000);
    time.minute = static_cast<std::int32_t>(value.us / 60'000'000 % 60);
    time.second = static_cast<std::int32_t>(value.us / 1'000'000 % 60);
    time.us = static_cast<std::int32_t>(value.us % 1'000'000);
    if (name == "dow" || name == "isodow" || name == "doy" || name == "timezone" || name == "week" ||
        name == "isoyear")
        return std::nullopt;
    return field_of(name, time, 0);
}

void extract(Call& call) {
    std::string name(call.text(0));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto type = static_cast<SqlType>(call.integer(2));
    std::optional<Field> field;
    if (type == SqlType::interval) {
        field = field_of(name, interval(call, 1));
    } else if (type == SqlType::time) {
        const std::int64_t us = parse_time(call.text(1)).value_or(0);
        const bool of_time = name == "hour" || name == "minute" || name == "second" ||
                             name == "milliseconds" || name == "microseconds" || name == "epoch";
        if (of_time) field = field_of(name, civil(us), us);
    } else {
        field = field_of(name, civil(moment(call, 1)), moment(call, 1));
        const bool of_time = name == "hour" || name == "minute" || name == "second" ||
                             name == "milliseconds" || name == "microseconds" || name == "timezone";
        if (of_time && type == SqlType::date && call.integer(3) != 0) field.reset();
        // A date has no time: its epoch is whole.
        if (field && type == SqlType::date && name == "epoch") field->scale = 0;
    }
    if (!field)
        return call.fail(sqlstate::feature_not_supported,
                         fmt::format("unit \"{}\" not supported for type {}", name, type_name(type)));
    if (call.integer(3) == 0) return call.give(static_cast<double>(field->millionths) / 1e6);
    Numeric number = numeric_from(field->millionths);
    number.scale = 6;
    call.give(std::string_view(show(rounded(number, field->scale))));
}

}  // namespace

void add_moment_functions(Registry& registry) {
    registry.add("understudy_moment_add", 4, strict<moment_add>);
    registry.add("understudy_moment_difference", 2, strict<moment_difference>);
    registry.add("understudy_date_difference", 2, strict<date_difference>);
    registry.add("understudy_date_add", 3, strict<date_add>);
    registry.add("understudy_interval_add", 3, strict<interval_add>);
    registry.add("understudy_interval_multiply", 2, strict<interval_multiply>);
    registry.add("understudy_interval_divide", 2, strict<interval_divide>);
    registry.add("understudy_date_trunc", 3, strict<date_trunc>);
    registry.add("understudy_from_epoch", 1, strict<from_epoch>);
    registry.add("understudy_extract", 4, strict<extract>);
}

}  // namespace understudy::database
