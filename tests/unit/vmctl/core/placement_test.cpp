// SPDX-License-Identifier: Apache-2.0
#include "vmctl/core/placement.hpp"

#include <gmock/gmock.h>

namespace understudy::vmctl {
namespace {

using testing::ElementsAre;

TEST(Placement, machines_go_round_the_domains_in_order) {
    const auto placed = place({"a", "b", "c", "d", "e", "f"}, 2, 5);
    ASSERT_TRUE(placed.has_value());
    EXPECT_EQ((*placed)[1], (Placement{"b", 1, 1}));
    EXPECT_EQ((*placed)[5], (Placement{"f", 1, 0}));
    EXPECT_THAT(in_fault_domain(*placed, 0), ElementsAre("a", "c", "e"));
    EXPECT_THAT(in_update_domain(*placed, 0), ElementsAre("a", "f"));
    EXPECT_THAT(in_update_domain(*placed, 4), ElementsAre("e"));
    EXPECT_TRUE(in_fault_domain(*placed, 2).empty());
}

TEST(Placement, the_limits_are_three_fault_domains_and_twenty_update_domains) {
    EXPECT_TRUE(place({"a"}, 3, 20).has_value());
    EXPECT_TRUE(place({}, 1, 1)->empty());
    EXPECT_EQ(place({"a"}, 4, 5).error().message(), "fault domains: 4 is not from 1 to 3");
    EXPECT_EQ(place({"a"}, 2, 21).error().message(), "update domains: 21 is not from 1 to 20");
    EXPECT_TRUE(place({"a"}, 0, 5).has_error());
    EXPECT_EQ(place({"a"}, 2, 0).error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace understudy::vmctl
