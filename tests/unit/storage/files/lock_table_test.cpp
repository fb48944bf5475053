// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/lock_table.hpp"

#include <gtest/gtest.h>

#include <array>

#include "base/random.hpp"
#include "tests/unit/storage/files/one_file.hpp"

namespace understudy::files {
namespace {

HeldLock lock(std::uint64_t session, std::uint64_t first, std::uint64_t last,
              LockMode mode = LockMode::exclusive) {
    return {{session, 1, "p"}, {first, last}, mode};
}

TEST(LockTable, an_exclusive_lock_excludes_others_where_it_overlaps_and_nowhere_else) {
    LockTable table;
    table.grant(file, lock(1, 10, 19));
    EXPECT_TRUE(table.conflict(file, lock(2, 19, 30)));
    EXPECT_TRUE(table.conflict(file, lock(2, 0, LockRange::to_end, LockMode::shared)));
    EXPECT_FALSE(table.conflict(file, lock(2, 20, 30)));
    EXPECT_FALSE(table.conflict(file, lock(1, 0, 30)));
    EXPECT_FALSE(table.conflict({8, LockSpace::range}, lock(2, 10, 19)));
    EXPECT_FALSE(table.conflict({7, LockSpace::whole_file}, lock(2, 0, LockRange::to_end)));
}

TEST(LockTable, shared_locks_share_and_keep_an_exclusive_one_out) {
    LockTable table;
    table.grant(file, lock(1, 0, 9, LockMode::shared));
    EXPECT_FALSE(table.conflict(file, lock(2, 0, 9, LockMode::shared)));
    EXPECT_TRUE(table.conflict(file, lock(2, 9, 9)));
}

TEST(LockTable, releasing_the_middle_leaves_both_ends) {
    LockTable table;
    table.grant(file, lock(1, 0, LockRange::to_end));
    EXPECT_TRUE(table.release(file, lock(1, 0, 0).owner, {10, 19}));
    EXPECT_EQ(table.locks(file), (std::vector<HeldLock>{lock(1, 0, 9), lock(1, 20, LockRange::to_end)}));
    EXPECT_FALSE(table.release(file, lock(1, 0, 0).owner, {10, 19}));
}

TEST(LockTable, neighbouring_locks_of_one_owner_join) {
    LockTable table;
    for (std::uint64_t byte = 0; byte < 100; ++byte) table.grant(file, lock(1, byte, byte));
    EXPECT_EQ(table.locks(file), std::vector<HeldLock>{lock(1, 0, 99)});
}

TEST(LockTable, a_session_s_locks_go_together) {
    LockTable table;
    table.grant(file, lock(1, 0, 1));
    table.grant({8, LockSpace::whole_file}, lock(1, 0, LockRange::to_end));
    table.grant(file, lock(2, 5, 6));
    EXPECT_EQ(table.release_session(1).size(), 2U);
    EXPECT_EQ(table.size(), 1U);
}

TEST(LockTable, lengths_at_the_end_of_the_file_are_exact) {
    EXPECT_EQ(lock_range(5, 0)->last, LockRange::to_end);
    EXPECT_EQ(lock_range(5, 1)->last, 5U);
    EXPECT_TRUE(lock_range(0xffffffffffffffff, 1));
    EXPECT_FALSE(lock_range(0xffffffffffffffff, 2));
}

// Against a model that remembers each byte's holder.
TEST(LockTable, never_has_two_holders_of_a_byte_one_of_them_exclusive) {
    constexpr std::size_t bytes = 24, sessions = 4;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        LockTable table;
        std::array<std::array<int, bytes>, sessions> model = {};  // 0 nothing, 1 shared, 2 exclusive
        for (int step = 0; step < 400; ++step) {
            std::size_t who = random.below(sessions);
            std::size_t first = random.below(bytes), last = first + random.below(bytes - first);
            std::uint64_t what = random.below(10);
            HeldLock wanted = lock(who, first, last, what < 5 ? LockMode::exclusive : LockMode::shared);
            if (what == 9) {
                table.release_session(who);
                model[who].fill(0);
            } else if (what >= 7) {
                table.release(file, wanted.owner, wanted.range);
                for (std::size_t b = first; b <= last; ++b) model[who][b] = 0;
            } else {
                int level = wanted.mode == LockMode::exclusive ? 2 : 1;
                bool excluded = false;
                for (std::size_t other = 0; other < sessions; ++other)
                    for (std::size_t b = first; b <= last; ++b)
                        excluded |= other != who && model[other][b] != 0 && model[other][b] + level > 2;
                ASSERT_EQ(table.conflict(file, wanted).has_value(), excluded);
                if (excluded) continue;
                table.grant(file, wanted);
                for (std::size_t b = first; b <= last; ++b) model[who][b] = level;
            }
            std::array<std::array<int, bytes>, sessions> seen = {};
            for (const HeldLock& held : table.locks(file))
                for (std::size_t b = held.range.first; b <= held.range.last; ++b)
                    seen[held.owner.session][b] = held.mode == LockMode::exclusive ? 2 : 1;
            ASSERT_EQ(seen, model);
        }
    }
}

}  // namespace
}  // namespace understudy::files
