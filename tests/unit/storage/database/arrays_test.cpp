// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/arrays.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/database/core/bytes.hpp"
#include "storage/database/core/value_order.hpp"

namespace understudy::database {
namespace {

using namespace std::string_literals;

TEST(Arrays, text_and_binary_forms_of_every_element_type_read_back) {
    const std::pair<SqlType, const char*> samples[] = {
        {SqlType::boolean_array, "{t,NULL,f}"},
        {SqlType::int2_array, "{-32768}"},
        {SqlType::int4_array, "{1,NULL,2147483647}"},
        {SqlType::int8_array, "{-9223372036854775808}"},
        {SqlType::float8_array, "{0.1,-1.5e+300}"},
        {SqlType::numeric_array, "{-123.4500,NULL}"},
        {SqlType::text_array, R"({a,"b c","","\"","\\",NULL,"NULL","{}","ä,"})"},
        {SqlType::bytea_array, R"({"\\x00ff"})"},
        {SqlType::date_array, "{2026-02-28}"},
        {SqlType::timestamptz_array, R"({"2026-01-31 10:00:00.5+00"})"},
        {SqlType::interval_array, R"({"1 mon -2 days +00:00:03"})"},
        {SqlType::uuid_array, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"},
        {SqlType::jsonb_array, R"({"{\"a\": [1, 2.50]}"})"},
        {SqlType::int4_array, "{}"}};
    for (const auto& [type, text] : samples) {
        const auto stored = input_text({type, -1}, text);
        ASSERT_TRUE(stored.has_value()) << text << stored.error().message;
        EXPECT_EQ(output_text(type, *stored), text);
        const auto binary = output_binary(type, *stored);
        ASSERT_TRUE(binary.has_value()) << text;
        const auto back = input_binary({type, -1}, *binary);
        ASSERT_TRUE(back.has_value()) << text << back.error().message;
        EXPECT_EQ(*back, *stored) << text;
    }
}

TEST(Arrays, what_is_no_array_of_the_type_is_refused_with_its_sqlstate) {
    const std::tuple<SqlType, const char*, const char*> cases[] = {
        {SqlType::int4_array, "", "22P02"},        {SqlType::int4_array, "{1", "22P02"},
        {SqlType::int4_array, "{1,}", "22P02"},    {SqlType::int4_array, "{1}}", "22P02"},
        {SqlType::int4_array, "{\"1", "22P02"},    {SqlType::int4_array, "{\\", "22P02"},
        {SqlType::int4_array, "{a}", "22P02"},     {SqlType::int2_array, "{40000}", "22003"},
        {SqlType::int4_array, "{{1}}", "0A000"},   {SqlType::int4_array, "[2:2]={1}", "0A000"},
        {SqlType::text_array, "{a\"b\"}", "22P02"}};
    for (const auto& [type, text, state] : cases) {
        const auto stored = input_text({type, -1}, text);
        ASSERT_TRUE(stored.has_error()) << text;
        EXPECT_EQ(stored.error().sqlstate, state) << text;
    }
}

std::string int32s(std::initializer_list<std::int64_t> values) {
    std::string bytes;
    for (const auto value : values) bytes += big_endian_bytes(static_cast<std::uint64_t>(value), 4);
    return bytes;
}

TEST(Arrays, counts_and_lengths_of_the_binary_form_are_checked_before_they_are_believed) {
    const Type type{SqlType::int4_array, -1};
    EXPECT_EQ(std::get<std::string>(*input_binary(type, int32s({1, 0, 23, 2, 1, 4, 7, -1}))), "{7,NULL}");
    const std::pair<std::string, const char*> cases[] = {
        {"abc", "08P01"},
        {"short", "54000"},
        {int32s({1, 0, 23, 1'000'000'000, 1, 4, 7}), "54000"},
        {int32s({1, 0, 23, 100'000'000, 1, 4, 7}), "08P01"},
        {int32s({1, 0, 23, 1, 1, 400, 7}), "22P03"},
        {int32s({1, 0, 23, 1, 1, -2}), "22P03"},
        {int32s({1, 0, 23, 1, 1, 4, 7, 8}), "22P03"},
        {int32s({-1, 0, 23}), "22P03"},
        {int32s({1, 0, 25, 1, 1, 4, 7}), "42804"},
        {int32s({2, 0, 23, 1, 1, 1, 1, 4, 7}), "0A000"},
        {int32s({1, 0, 23, 1, 0, 4, 7}), "0A000"}};
    for (const auto& [bytes, state] : cases) {
        const auto value = input_binary(type, bytes);
        ASSERT_TRUE(value.has_error());
        EXPECT_EQ(value.error().sqlstate, state) << value.error().message;
    }
}

// A text of any length is a text: nothing but the check itself stands before what isn't there.
TEST(Arrays, an_element_longer_than_its_array_is_refused_whatever_its_type_takes) {
    for (const SqlType type : {SqlType::text_array, SqlType::bytea_array, SqlType::int4_array}) {
        const auto oid = static_cast<std::int64_t>(*element_of(type));
        for (const std::int64_t length : {5LL, 400LL, 0x7fff'ffffLL, -2LL}) {
            const auto value = input_binary({type, -1}, int32s({1, 0, oid, 1, 1, length}) + "four");
            ASSERT_TRUE(value.has_error()) << length;
            EXPECT_EQ(value.error().sqlstate, "22P03") << length;
        }
        const auto next = input_binary({type, -1}, int32s({1, 0, oid, 2, 1, 8}) + "four" + int32s({4}));
        ASSERT_TRUE(next.has_error()) << "the next element's length is none of its bytes";
    }
    EXPECT_EQ(
        std::get<std::string>(*input_binary({SqlType::text_array, -1}, int32s({1, 0, 25, 1, 1, 4}) + "four")),
        "{four}");
}

TEST(Arrays, are_ordered_by_their_elements_and_then_by_their_length) {
    const auto order = [](SqlType type, const char* left, const char* right) {
        return compare_values(type, *input_text({type, -1}, left), *input_text({type, -1}, right));
    };
    EXPECT_LT(order(SqlType::int4_array, "{9}", "{10}"), 0);
    EXPECT_LT(order(SqlType::text_array, "{10}", "{9}"), 0);
    EXPECT_LT(order(SqlType::int4_array, "{1}", "{1,0}"), 0);
    EXPECT_GT(order(SqlType::int4_array, "{NULL}", "{5}"), 0);
    EXPECT_EQ(order(SqlType::int4_array, "{1,NULL}", "{1,NULL}"), 0);
    EXPECT_EQ(order(SqlType::numeric_array, "{1.0}", "{1.00}"), 0);
    EXPECT_LT(order(SqlType::float8_array, "{9e1}", "{1e2}"), 0);
    EXPECT_EQ(order(SqlType::interval_array, "{1 month}", "{30 days}"), 0);
    EXPECT_EQ(compare_values(SqlType::int4, Stored(), Stored()), 0);
    EXPECT_GT(compare_values(SqlType::int4, Stored(), Stored(std::int64_t{5})), 0);
    EXPECT_EQ(compare_values(SqlType::bpchar, Stored("a "s), Stored("a"s)), 0);
}

TEST(Arrays, an_escaped_null_is_a_text) {
    EXPECT_EQ(std::get<std::string>(*input_text({SqlType::text_array, -1}, "{\\NULL, null,a\\ }")),
              R"({"NULL",NULL,"a "})");
}

TEST(Arrays, have_types_of_their_own) {
    EXPECT_EQ(array_of(SqlType::int4), SqlType::int4_array);
    EXPECT_EQ(element_of(SqlType::int4_array), SqlType::int4);
    EXPECT_EQ(array_of(SqlType::int4_array), std::nullopt);
    EXPECT_EQ(array_of(SqlType::unknown), std::nullopt);
    EXPECT_EQ(type_name(Type{SqlType::numeric_array, numeric_typmod(6, 2)}), "numeric(6,2)[]");
    for (const auto& type : all_types())
        if (const auto array = array_of(type.type)) {
            EXPECT_EQ(type_from_declared(declared_type({*array, -1})).type, *array) << type.name;
        }
}

}  // namespace
}  // namespace understudy::database
