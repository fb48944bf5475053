// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "storage/database/core/json_text.hpp"
#include "storage/database/core/moments.hpp"
#include "storage/database/core/numeric.hpp"
#include "storage/database/core/value_forms.hpp"

namespace understudy::database {
namespace {

std::string quotient(const char* left, const char* right) {
    return show(*divide(*parse_numeric(left), *parse_numeric(right)));
}

// What PostgreSQL 15 answers.
TEST(Numeric, quotients_have_the_scale_that_postgresql_gives_them) {
    EXPECT_EQ(quotient("1", "3.0"), "0.33333333333333333333");
    EXPECT_EQ(quotient("7.0", "2"), "3.5000000000000000");
    EXPECT_EQ(quotient("10.0", "3"), "3.3333333333333333");
    EXPECT_EQ(quotient("100000.0", "3"), "33333.333333333333");
    EXPECT_EQ(quotient("0.00001", "3"), "0.000003333333333333333333");
}

TEST(Numeric, a_scale_is_shown_but_does_not_count) {
    EXPECT_EQ(show(*parse_numeric("1.10") + *parse_numeric("2")), "3.10");
    EXPECT_EQ(show(*multiply(*parse_numeric("1.10"), *parse_numeric("2.0"))), "2.200");
    EXPECT_EQ(compare(*parse_numeric("1.0"), *parse_numeric("1.000")), 0);
    EXPECT_LT(compare_numeric_texts("9", "10"), 0);
    EXPECT_EQ(show(*parse_numeric("-12e2")), "-1200");
    EXPECT_EQ(show(*parse_numeric(".5")), "0.5");
    for (const char* wrong : {"", "-", "1.2.3", "1e", "x", "1 2", "1e99999"})
        EXPECT_FALSE(parse_numeric(wrong).has_value()) << wrong;
}

TEST(Numeric, halves_are_rounded_away_from_zero_and_must_fit) {
    EXPECT_EQ(show(rounded(*parse_numeric("2.5"), 0)), "3");
    EXPECT_EQ(show(rounded(*parse_numeric("-2.5"), 0)), "-3");
    EXPECT_EQ(show(rounded(*parse_numeric("1250"), -2)), "1300");
    EXPECT_EQ(show(*fitted(*parse_numeric("123.456"), numeric_typmod(5, 2))), "123.46");
    EXPECT_FALSE(fitted(*parse_numeric("999.995"), numeric_typmod(5, 2)).has_value());
}

TEST(Numeric, the_binary_form_reads_back_for_any_digits) {
    std::mt19937 random(1);
    for (int i = 0; i < 2'000; ++i) {
        std::string text = random() % 2 == 0 ? "-" : "";
        text += std::to_string(random() % 100'000) + "." + std::to_string(random() % 100'000'000);
        const auto value = parse_numeric(text);
        const auto back = numeric_from_binary(numeric_to_binary(*value));
        ASSERT_TRUE(back.has_value()) << text;
        EXPECT_EQ(show(*back), show(*value));
    }
    EXPECT_FALSE(numeric_from_binary("short").has_value());
    EXPECT_FALSE(numeric_from_binary(std::string("\x7f\xff\0\0\0\0\0\0", 8)).has_value())
        << "a count without digits";
}

TEST(Moments, a_timestamp_is_stored_in_one_form_whatever_its_zone) {
    EXPECT_EQ(stored_timestamp(*parse_timestamp("2026-01-31T12:00:00.5+02:00"), true),
              "2026-01-31 10:00:00.500000+00");
    EXPECT_EQ(shown_timestamp("2026-01-31 10:00:00.500000+00"), "2026-01-31 10:00:00.5+00");
    EXPECT_EQ(shown_timestamp("2026-01-31 10:00:00.000000+00"), "2026-01-31 10:00:00+00");
    EXPECT_FALSE(parse_timestamp("2026-02-30").has_value());
    EXPECT_FALSE(parse_timestamp("0000-01-01").has_value());
    EXPECT_EQ(parse_date("2026-02-28 +00"), parse_date("2026-02-28")) << "as the JDBC driver sends a date";
    for (const char* wrong : {"2026-02-28x", "2026-02-2812:00", "2026-02-28 12", "2026-02-28 12:00+"})
        EXPECT_FALSE(parse_timestamp(wrong).has_value()) << wrong;
    EXPECT_EQ(parse_timestamp("2026-01-01 00:00:00.0000005"), parse_timestamp("2026-01-01 00:00:00.000001"));
}

TEST(Moments, a_month_ends_on_its_own_last_day) {
    const auto moved = add(*parse_timestamp("2026-01-31 10:00:00"), {1, 0, 0});
    EXPECT_EQ(stored_timestamp(*moved, false), "2026-02-28 10:00:00.000000");
    EXPECT_FALSE(add(*parse_timestamp("9999-12-31"), {0, 1, 0}).has_value());
    EXPECT_EQ(stored_date(*parse_date("1969-12-31")), "1969-12-31");
}

TEST(Intervals, are_shown_as_they_are_read) {
    for (const char* text : {"1 day 02:03:04", "-1 days", "1 year 2 mons 3 days 04:05:06.789", "00:00:00",
                             "1 day -01:00:00", "-1 mons +3 days"})
        EXPECT_EQ(shown_interval(*parse_interval(text)), text);
    EXPECT_EQ(shown_interval(*parse_interval("P1Y2M3DT4H5M6S")), "1 year 2 mons 3 days 04:05:06");
    EXPECT_EQ(shown_interval(*parse_interval("1.5 days")), "1 day 12:00:00");
    for (const char* wrong : {"", "day", "1 parsec", "1:2:3:4", "P", "1 day x"})
        EXPECT_FALSE(parse_interval(wrong).has_value()) << wrong;
    EXPECT_EQ(interval_order_us(*parse_interval("1 month")), interval_order_us(*parse_interval("30 days")));
}

TEST(ValueForms, floats_are_written_as_postgresql_writes_them) {
    EXPECT_EQ(show_double(1e15), "1e+15");
    EXPECT_EQ(show_double(1e14), "100000000000000");
    EXPECT_EQ(show_double(0.0001), "0.0001");
    EXPECT_EQ(show_double(1e-5), "1e-05");
    EXPECT_EQ(show_double(0.1 + 0.2), "0.30000000000000004");
    EXPECT_EQ(show_float(1e6f), "1e+06");
}

TEST(ValueForms, text_and_binary_forms_of_every_type_read_back) {
    const std::pair<SqlType, const char*> samples[] = {
        {SqlType::boolean, "t"},
        {SqlType::int2, "-32768"},
        {SqlType::int4, "2147483647"},
        {SqlType::int8, "-9223372036854775808"},
        {SqlType::float4, "0.1"},
        {SqlType::float8, "-1.5e+300"},
        {SqlType::numeric, "-123.4500"},
        {SqlType::text, "äöü\n"},
        {SqlType::bytea, "\\x00ff"},
        {SqlType::date, "2026-02-28"},
        {SqlType::time, "23:59:59.25"},
        {SqlType::timestamp, "2026-01-31 10:00:00.5"},
        {SqlType::timestamptz, "2026-01-31 10:00:00+00"},
        {SqlType::interval, "1 mon -2 days +00:00:03"},
        {SqlType::uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {SqlType::jsonb, "{\"a\": [1, 2.50]}"}};
    for (const auto& [type, text] : samples) {
        const auto stored = input_text({type, -1}, text);
        ASSERT_TRUE(stored.has_value()) << text;
        EXPECT_EQ(output_text(type, *stored), text);
        const auto binary = output_binary(type, *stored);
        ASSERT_TRUE(binary.has_value()) << text;
        const auto back = input_binary({type, -1}, *binary);
        ASSERT_TRUE(back.has_value()) << text;
        EXPECT_EQ(*back, *stored) << text;
    }
}

TEST(ValueForms, what_a_type_cannot_hold_is_refused_with_its_sqlstate) {
    const std::tuple<Type, const char*, const char*> cases[] = {
        {{SqlType::int4, -1}, "2147483648", "22003"},
        {{SqlType::int4, -1}, "1.5", "22P02"},
        {{SqlType::int2, -1}, "", "22P02"},
        {{SqlType::float8, -1}, "1e400", "22003"},
        {{SqlType::float8, -1}, "NaN", "0A000"},
        {{SqlType::boolean, -1}, "maybe", "22P02"},
        {{SqlType::uuid, -1}, "nope", "22P02"},
        {{SqlType::date, -1}, "2026-02-30", "22008"},
        {{SqlType::text, -1}, "\xff", "22021"},
        {{SqlType::bytea, -1}, "\\xzz", "22023"},
        {{SqlType::jsonb, -1}, "{bad", "22P02"},
        {{SqlType::varchar, length_typmod(2)}, "abc", "22001"},
        {{SqlType::numeric, numeric_typmod(3, 1)}, "100", "22003"}};
    for (const auto& [type, text, state] : cases) {
        const auto stored = input_text(type, text);
        ASSERT_TRUE(stored.has_error()) << text;
        EXPECT_EQ(stored.error().sqlstate, state) << text;
    }
}

TEST(ValueForms, only_blanks_are_cut_off_silently) {
    EXPECT_EQ(std::get<std::string>(*input_text({SqlType::varchar, length_typmod(2)}, "ab  ")), "ab");
    EXPECT_EQ(std::get<std::string>(*input_text({SqlType::bpchar, length_typmod(4)}, "ä")), "ä   ");
    EXPECT_EQ(
        std::get<std::string>(*fit({SqlType::varchar, length_typmod(2)}, Stored(std::string("abc")), true)),
        "ab");
}

TEST(JsonText, jsonb_orders_keys_and_keeps_digits) {
    EXPECT_EQ(std::get<std::string>(*stored_json("{\"bb\":1.50,\"a\":1,\"a\":{\"x\":null}}", true)),
              "{\"a\": {\"x\": null}, \"bb\": 1.50}");
    EXPECT_EQ(json_element("[1,\"x\"]", -1, true), "x");
    EXPECT_EQ(json_member("{\"a\":null}", "a", true), std::nullopt);
    EXPECT_TRUE(stored_json(std::string(300, '[') + std::string(300, ']'), true).has_error()) << "too deep";
}

}  // namespace
}  // namespace understudy::database
