// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/savepoints.hpp"

#include <gtest/gtest.h>

namespace understudy::database {
namespace {

TEST(Savepoints, a_change_that_is_taken_back_is_none) {
    ChangeMark mark;
    mark.savepoint("s");
    mark.change();
    mark.roll_back_to("s");
    EXPECT_FALSE(mark.finish());
}

TEST(Savepoints, a_change_before_the_savepoint_stays) {
    ChangeMark mark;
    mark.change();
    mark.savepoint("s");
    mark.change();
    mark.roll_back_to("s");
    EXPECT_TRUE(mark.finish());
    EXPECT_FALSE(mark.finish()) << "the next transaction's";
}

TEST(Savepoints, a_released_savepoint_keeps_what_came_after_it) {
    ChangeMark mark;
    mark.savepoint("outer");
    mark.savepoint("inner");
    mark.change();
    mark.release("inner");
    EXPECT_TRUE(mark.changed());
    mark.roll_back_to("inner");
    EXPECT_TRUE(mark.changed()) << "it is gone";
    mark.roll_back_to("outer");
    EXPECT_FALSE(mark.changed()) << "but belongs to the outer one";
}

TEST(Savepoints, can_be_gone_back_to_again_and_the_later_ones_are_gone_then) {
    ChangeMark mark;
    mark.savepoint("a");
    mark.change();
    mark.savepoint("b");
    mark.roll_back_to("a");
    mark.roll_back_to("b");
    EXPECT_FALSE(mark.changed());
    mark.change();
    mark.roll_back_to("a");
    EXPECT_FALSE(mark.changed());
}

TEST(Savepoints, a_name_means_the_latest_that_has_it) {
    ChangeMark mark;
    mark.savepoint("s");
    mark.change();
    mark.savepoint("s");
    mark.roll_back_to("s");
    EXPECT_TRUE(mark.changed());
    mark.release("s");
    mark.roll_back_to("s");
    EXPECT_FALSE(mark.changed());
}

}  // namespace
}  // namespace understudy::database
