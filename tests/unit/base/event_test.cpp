// SPDX-License-Identifier: Apache-2.0
#include "base/event.hpp"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Event, a_line_and_its_event_round_trip) {
    const Event event{
        "node",
        "lease_taken",
        "took\nover \"it\"",
        {{"version", std::int64_t{7}}, {"took_over", true}, {"ratio", 0.5}, {"holder", std::string("a")}}};
    const std::string line = to_json_line(event);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Event read = event_from_json_line(line).value();
    EXPECT_EQ(read.source, event.source);
    EXPECT_EQ(read.name, event.name);
    EXPECT_EQ(read.detail, event.detail);
    EXPECT_EQ(read.attributes, event.attributes);
    EXPECT_EQ(integer_attribute(read, "version"), 7);
    EXPECT_EQ(string_attribute(read, "holder"), "a");
    EXPECT_EQ(string_attribute(read, "version"), std::nullopt);
    EXPECT_EQ(integer_attribute(read, "none"), std::nullopt);
}

TEST(Event, what_is_no_event_is_refused_and_unknown_members_are_not) {
    for (const char* line : {"", "x", "[]", "{}", "{\"event\":3}", "{\"event\":\"a\""})
        EXPECT_TRUE(event_from_json_line(line).has_error()) << line;
    EXPECT_EQ(event_from_json_line(R"({"event":"a","more":1,"attributes":{"list":[]}})").value().name, "a");
}

}  // namespace
}  // namespace understudy
