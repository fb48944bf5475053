// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>

#include "base/assert.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/suggest.hpp"

namespace understudy {
namespace {

TEST(Random, the_same_seed_draws_the_same_numbers_and_another_doesnt) {
    Random a(7);
    Random b(7);
    Random c(8);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const auto drawn = a.next();
        EXPECT_EQ(drawn, b.next());
        differs = differs || drawn != c.next();
    }
    EXPECT_TRUE(differs);
}

TEST(Random, draws_stay_in_their_range_and_reach_all_of_it) {
    Random random(1);
    std::array<int, 5> seen{};
    for (int i = 0; i < 1000; ++i) {
        ++seen.at(random.below(5));
        const double unit = random.unit();
        EXPECT_TRUE(unit >= 0 && unit < 1);
        EXPECT_FALSE(random.chance(0));
        EXPECT_TRUE(random.chance(1));
        EXPECT_EQ(random.below(1), 0u);
    }
    for (const int count : seen) EXPECT_GT(count, 100);
}

TEST(Suggest, the_nearest_word_is_offered_when_it_is_near_enough) {
    EXPECT_EQ(nearest("databse", {"database", "share"}), "database");
    EXPECT_EQ(nearest("rcp", {"p2p", "rpc"}), std::nullopt);
    EXPECT_EQ(nearest("rp", {"p2p", "rpc"}), "rpc");
    EXPECT_EQ(nearest("nothing", {"p2p", "rpc"}), std::nullopt);
    EXPECT_EQ(nearest("", {"a"}), "a");
    EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Result, an_error_says_subject_reason_number_and_remedy) {
    const Error error =
        Error(ErrorKind::failed, "disk", "is full").with_number(28).with_remedy("delete something");
    EXPECT_EQ(error.message(), "disk: is full (28); delete something");
    EXPECT_EQ(Error(ErrorKind::failed, "", "why").message(), "why");
    EXPECT_EQ(system_error("file", 2).number, 2);
}

TEST(Result, the_kind_decides_the_exit_status) {
    EXPECT_EQ(exit_status(ErrorKind::failed), 1);
    EXPECT_EQ(exit_status(ErrorKind::bad_input), 2);
    EXPECT_EQ(exit_status(ErrorKind::environment), 3);
    EXPECT_EQ(exit_status(ErrorKind::timeout), 4);
}

TEST(AssertDeathTest, a_broken_invariant_ends_the_program_with_its_words) {
    EXPECT_DEATH(UNDERSTUDY_ASSERT(1 + 1 == 3, "sums hold"), "sums hold");
    UNDERSTUDY_ASSERT(true, "nothing happens");
}

}  // namespace
}  // namespace understudy
