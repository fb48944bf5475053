// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/results.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace understudy::bench {
namespace {

const Results measured{
    {{"ours", "reading", 20, "MiB/s"}, {"peer", "reading", 10, "MiB/s"}, {"ours", "locks", 5, "/s"}},
    {{"ours/peer read", 2}}};

TEST(Results, a_median_of_an_even_number_lies_between_the_middle_two) {
    EXPECT_DOUBLE_EQ(median({9, 1, 5}), 5);
    EXPECT_DOUBLE_EQ(median({4, 1, 2, 100}), 3);
}

TEST(Results, side_by_side_has_a_column_for_each_case_and_a_dash_for_what_is_missing) {
    EXPECT_EQ(to_side_by_side(measured),
              "  median                 ours        peer\n"
              "  reading (MiB/s)       20.00       10.00\n"
              "  locks (/s)             5.00           -\n"
              "\n"
              "  ratio, above 1: ours is better   ours/peer\n"
              "  read                                  2.00\n");
}

TEST(Results, json_has_every_row_and_every_ratio) {
    const auto document = json::parse(to_json(measured));
    EXPECT_EQ(document.at("rows").as_array().size(), 3U);
    EXPECT_EQ(document.at("rows").at(1),
              (json::value{{"case", "peer"}, {"metric", "reading"}, {"median", 10.0}, {"unit", "MiB/s"}}));
    EXPECT_EQ(document.at("ratios"), (json::value{{"ours/peer read", 2.0}}));
}

TEST(Results, a_bar_is_as_long_as_its_share_of_the_largest_of_its_metric) {
    const std::string svg = to_svg(measured, "a & b");
    EXPECT_NE(svg.find("a &amp; b"), std::string::npos);
    EXPECT_NE(svg.find("width='420.0'"), std::string::npos);
    EXPECT_NE(svg.find("width='210.0'"), std::string::npos);
}

}  // namespace
}  // namespace understudy::bench
