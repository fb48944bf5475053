// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fid_turns.hpp"

#include <gtest/gtest.h>

namespace understudy::files {
namespace {

using Tags = std::vector<std::uint16_t>;

struct FidTurnsTest : testing::Test {
    bool begin(std::uint16_t tag, const Body& request) { return turns.begin(tag, named_fids(request)); }
    bool is_idle(const Body& request) const { return turns.is_idle(named_fids(request)); }
    FidTurns turns;
};

TEST_F(FidTurnsTest, what_names_a_fid_waits_for_the_walk_that_makes_it) {
    EXPECT_TRUE(begin(1, Twalk{0, 5, {"x"}}));
    EXPECT_FALSE(begin(2, Tgetattr{5}));
    EXPECT_TRUE(begin(3, Tgetattr{0}));  // the folder's own fid is not made
    EXPECT_EQ(turns.end(3), Tags{});
    EXPECT_EQ(turns.end(1), Tags{2});
    EXPECT_EQ(turns.end(2), Tags{});
    EXPECT_TRUE(is_idle(Tgetattr{5}));
}

TEST_F(FidTurnsTest, a_chain_begins_in_its_order) {
    EXPECT_TRUE(begin(1, Twalk{0, 5, {"x"}}));
    EXPECT_FALSE(begin(2, Tlopen{5, 0}));
    EXPECT_FALSE(begin(3, Tread{5, 0, 10}));
    EXPECT_FALSE(begin(4, Tclunk{5}));
    EXPECT_EQ(turns.end(1), Tags{2});
    EXPECT_EQ(turns.end(2), (Tags{3, 4}));  // reading keeps nobody from ending it
    EXPECT_FALSE(begin(5, Twalk{0, 5, {"y"}}));
    EXPECT_EQ(turns.end(3), Tags{});
    EXPECT_EQ(turns.end(4), Tags{5});
}

TEST_F(FidTurnsTest, none_passes_one_that_waits) {
    EXPECT_TRUE(begin(1, Twalk{0, 6, {"d"}}));
    EXPECT_FALSE(begin(2, Trenameat{5, "a", 6, "b"}));
    EXPECT_FALSE(begin(3, Tunlinkat{5, "b", 0}));  // comes after the rename, though 5 is known
    EXPECT_EQ(turns.end(1), (Tags{2, 3}));
}

TEST_F(FidTurnsTest, others_run_side_by_side) {
    EXPECT_TRUE(begin(1, Tread{5, 0, 10}));
    EXPECT_TRUE(turns.runs_alone(named_fids(Tread{5, 0, 10})));
    EXPECT_TRUE(begin(2, Tread{5, 10, 10}));
    EXPECT_FALSE(turns.runs_alone(named_fids(Tread{5, 0, 10})));
    EXPECT_FALSE(is_idle(Tgetattr{5}));
    EXPECT_TRUE(is_idle(Tgetattr{6}));
    EXPECT_EQ(turns.end(1), Tags{});
    EXPECT_FALSE(is_idle(Tgetattr{5}));
    EXPECT_EQ(turns.end(2), Tags{});
    EXPECT_TRUE(is_idle(Tgetattr{5}));
}

TEST_F(FidTurnsTest, what_is_given_up_while_it_waits_lets_the_next_begin) {
    EXPECT_TRUE(begin(1, Twalk{0, 5, {"x"}}));
    EXPECT_FALSE(begin(2, Trenameat{5, "a", 6, "b"}));
    EXPECT_FALSE(begin(3, Tgetattr{6}));
    EXPECT_EQ(turns.end(2), Tags{3});
    EXPECT_EQ(turns.end(2), Tags{});
}

TEST_F(FidTurnsTest, what_only_uses_a_fid_keeps_nobody_from_ending_it) {
    EXPECT_TRUE(begin(1, Tlopen{5, 0}));
    EXPECT_FALSE(begin(2, Tlock{5, lock_write, lock_flag_block, 0, 0, 1, "p"}));
    EXPECT_EQ(turns.end(1), Tags{2});
    EXPECT_FALSE(is_idle(Tclunk{5}));
    EXPECT_TRUE(begin(3, Tclunk{5}));
}

TEST_F(FidTurnsTest, a_walk_in_place_binds_its_fid_once) {
    EXPECT_TRUE(begin(1, Twalk{5, 5, {"x"}}));
    EXPECT_FALSE(begin(2, Tgetattr{5}));
    EXPECT_EQ(turns.end(1), Tags{2});
    EXPECT_EQ(turns.end(2), Tags{});
    EXPECT_TRUE(is_idle(Tgetattr{5}));
}

}  // namespace
}  // namespace understudy::files
