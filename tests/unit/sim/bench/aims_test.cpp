// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/aims.hpp"

#include <gmock/gmock.h>

namespace understudy::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Results ours_of_two{{},
                          {{"ours/peer read", 1.99}, {"ours/peer write", 2.0}, {"ours/peer_two read", 0.1}}};

TEST(Aims, a_ratio_below_its_aim_is_told_with_both_numbers) {
    EXPECT_THAT(missed_aims(ours_of_two, {{"ours/peer", {}, 2.0}}),
                ElementsAre("ours/peer read: 1.99, the aim is 2.00"));
}

TEST(Aims, a_ratio_that_equals_its_aim_is_reached) {
    EXPECT_THAT(missed_aims(ours_of_two, {{"ours/peer", {"write"}, 2.0}}), IsEmpty());
}

TEST(Aims, an_aim_with_metrics_covers_only_these) {
    EXPECT_THAT(missed_aims(ours_of_two, {{"ours/peer", {"write"}, 3.0}}),
                ElementsAre("ours/peer write: 2.00, the aim is 3.00"));
}

TEST(Aims, what_was_not_measured_misses_no_aim) {
    EXPECT_THAT(missed_aims(ours_of_two, {{"ours/absent", {}, 2.0}}), IsEmpty());
}

TEST(Aims, the_text_has_a_line_for_each_missed_aim) {
    EXPECT_EQ(to_text(ours_of_two, {{"ours/peer", {}, 3.0}}),
              "aim missed: ours/peer read: 1.99, the aim is 3.00\n"
              "aim missed: ours/peer write: 2.00, the aim is 3.00\n");
}

TEST(Aims, the_text_says_that_all_are_reached) {
    EXPECT_EQ(to_text(ours_of_two, {{"ours/peer", {}, 1.0}}), "every aim that was measured is reached\n");
}

}  // namespace
}  // namespace understudy::bench
