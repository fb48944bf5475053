// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/metric.hpp"

#include <gmock/gmock.h>

namespace understudy::bench {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const Metric rate{"rate", "answers", "/s"};
const Metric latency{"latency", "time of an answer", "us", false};

TEST(Compare, a_rate_twice_the_peers_is_a_ratio_of_two) {
    const Results results =
        compare({rate}, {"ours", "peer"}, {{"rate", {{"ours", {200}}, {"peer", {100}}}}}, {{"ours", "peer"}});
    EXPECT_THAT(results.ratios, ElementsAre(Pair("ours/peer rate", DoubleEq(2))));
}

TEST(Compare, half_the_peers_latency_is_a_ratio_of_two) {
    const Results results = compare({latency}, {"ours", "peer"},
                                    {{"latency", {{"ours", {50}}, {"peer", {100}}}}}, {{"ours", "peer"}});
    EXPECT_THAT(results.ratios, ElementsAre(Pair("ours/peer latency", DoubleEq(2))));
}

// Both medians are 30: the machine was slow in one's best round and fast in the other's worst.
TEST(Compare, the_ratio_is_the_median_of_what_each_round_found) {
    const Results results =
        compare({rate}, {"ours", "peer"}, {{"rate", {{"ours", {20, 30, 90}}, {"peer", {10, 40, 30}}}}},
                {{"ours", "peer"}});
    EXPECT_THAT(results.ratios, ElementsAre(Pair("ours/peer rate", DoubleEq(2))));
}

TEST(Compare, the_ratio_is_of_the_medians_where_one_missed_a_round) {
    const Results results =
        compare({rate}, {"ours", "peer"}, {{"rate", {{"ours", {1, 30, 1000}}, {"peer", {10, 20}}}}},
                {{"ours", "peer"}});
    EXPECT_THAT(results.ratios, ElementsAre(Pair("ours/peer rate", DoubleEq(2))));
}

TEST(Compare, rows_come_by_metric_and_then_by_contender) {
    const Results results =
        compare({latency, rate}, {"ours", "peer"},
                {{"rate", {{"ours", {2}}, {"peer", {1}}}}, {"latency", {{"peer", {7}}}}}, {});
    ASSERT_EQ(results.rows.size(), 3U);
    EXPECT_EQ(results.rows[0].name + " " + results.rows[0].metric, "peer time of an answer");
    EXPECT_EQ(results.rows[1].name + " " + results.rows[1].metric, "ours answers");
    EXPECT_EQ(results.rows[2].name + " " + results.rows[2].unit, "peer /s");
}

TEST(Compare, who_was_not_measured_or_did_nothing_has_no_ratio) {
    EXPECT_THAT(compare({rate}, {"ours", "peer"}, {{"rate", {{"ours", {2}}}}}, {{"ours", "peer"}}).ratios,
                IsEmpty());
    EXPECT_THAT(
        compare({rate}, {"ours", "peer"}, {{"rate", {{"ours", {2}}, {"peer", {0}}}}}, {{"ours", "peer"}})
            .ratios,
        IsEmpty());
}

}  // namespace
}  // namespace understudy::bench
