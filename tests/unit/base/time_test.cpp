// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Time, durations_are_read_with_their_units) {
    EXPECT_EQ(parse_duration("500ms").value(), 500ms);
    EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
    EXPECT_EQ(parse_duration("1m30s").value(), 90s);
    EXPECT_EQ(parse_duration("250us").value(), 250us);
    EXPECT_EQ(parse_duration("0s").value(), 0s);
    for (const char* text : {"", "5", "s", "-1s", "5 s", "5x", "5s5", "1e3s", "nan", "9000h"})
        EXPECT_TRUE(parse_duration(text).has_error()) << text;
}

TEST(Time, durations_are_written_short) {
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(500ms), "500ms");
    EXPECT_EQ(format_duration(1250ms), "1.25s");
    EXPECT_EQ(format_duration(40s), "40s");
    EXPECT_EQ(format_duration(150s), "2m30s");
    EXPECT_EQ(format_duration(2h), "2h");
    EXPECT_EQ(format_duration(-5ms), "-5ms");
    for (const Duration duration :
         {Duration(1ns), Duration(20us), Duration(7ms), Duration(100s), Duration(3h)})
        EXPECT_EQ(parse_duration(format_duration(duration)).value(), duration);
}

TEST(Time, the_earlier_deadline_comes_first_and_ties_go_by_sequence) {
    const Deadline first{Instant(1s), "first", 2};
    const Deadline second{Instant(1s), "second", 3};
    EXPECT_STREQ(earlier(second, first)->why, "first");
    EXPECT_STREQ(earlier(std::nullopt, second)->why, "second");
    EXPECT_STREQ(earlier(Deadline{Instant(0s), "soon", 9}, first)->why, "soon");
    EXPECT_FALSE(earlier(std::nullopt, std::nullopt).has_value());
}

}  // namespace
}  // namespace understudy
