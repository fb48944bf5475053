// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fence_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/random.hpp"

namespace understudy::files {
namespace {

std::uint64_t grant(FenceTable& table, std::uint64_t session, std::uint64_t inode) {
    bool must_keep = false;
    return table.granted(session, inode, false, must_keep);
}

TEST(FenceTable, a_block_is_reserved_before_the_first_of_its_numbers_is_given) {
    FenceTable table;
    for (std::uint64_t i = 1; i <= 2 * fence_block; ++i) {
        bool must_keep = false;
        ASSERT_EQ(table.granted(1, 7, false, must_keep), i);
        ASSERT_EQ(must_keep, i % fence_block == 1) << i;
        ASSERT_LE(i, table.reserved());
    }
}

TEST(FenceTable, a_number_that_was_never_given_is_refused) {
    FenceTable table;
    EXPECT_EQ(table.set(1, 7, 1), FenceSet::never_given);
    grant(table, 1, 7);
    EXPECT_EQ(table.set(1, 7, 0), FenceSet::never_given);
    EXPECT_EQ(table.set(1, 7, 2), FenceSet::never_given);
    EXPECT_EQ(table.set(1, 7, 1), FenceSet::carried);
}

TEST(FenceTable, a_session_carries_numbers_on_so_many_files) {
    FenceTable table;
    grant(table, 1, 7);
    for (std::uint64_t inode = 0; inode < max_carried_per_session; ++inode)
        ASSERT_EQ(table.set(1, 100 + inode, 1), FenceSet::carried);
    EXPECT_EQ(table.set(1, 7, 1), FenceSet::too_many);
    EXPECT_EQ(table.set(1, 100, 1), FenceSet::carried);
}

TEST(FenceTable, the_number_of_a_file_never_goes_back_however_many_files_there_are) {
    FenceTable table;
    std::uint64_t first = grant(table, 1, 1);
    table.set(1, 1, first);
    std::uint64_t second = grant(table, 1, 2);
    for (std::uint64_t inode = 3; inode < max_numbered_files + 10; ++inode) grant(table, 2, inode);
    EXPECT_EQ(table.number(1), first);  // carried
    EXPECT_GT(table.number(2), second);
    EXPECT_EQ(table.set(1, 2, second), FenceSet::overtaken);
}

TEST(FenceTable, by_seed_who_was_fenced_stays_fenced_and_numbers_only_rise) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        FenceTable table;
        std::set<FenceTable::Key> fenced;
        std::map<FenceTable::Key, std::uint64_t> carried;
        std::map<std::uint64_t, std::uint64_t> numbers;
        std::uint64_t last = 0;
        for (int step = 0; step < 500; ++step) {
            std::uint64_t session = 1 + random.below(4), inode = 7 + random.below(3);
            if (random.chance(0.3)) {
                std::uint64_t number = grant(table, session, inode);
                ASSERT_GT(number, last);
                last = numbers[inode] = number;
                for (const auto& [key, ignored] : carried)
                    if (key.first == inode && key.second != session) fenced.insert(key);
            } else if (random.chance(0.3)) {
                std::uint64_t number = random.chance(0.7) ? table.number(inode) : random.below(last + 2);
                FenceSet outcome = table.set(session, inode, number);
                if (outcome == FenceSet::never_given) continue;
                carried[{inode, session}] = number;
                if (outcome == FenceSet::overtaken) fenced.insert({inode, session});
                ASSERT_EQ(outcome == FenceSet::overtaken, fenced.contains({inode, session}));
            } else if (random.chance(0.1)) {
                FenceTable next;
                next.restore(table.reserved(), table.carried_files(), table.all_carried());
                table = next;
                ASSERT_GE(table.latest(), last);
                last = table.latest();
            }
            for (std::uint64_t each : {7, 8, 9}) ASSERT_GE(table.number(each), numbers[each]);
            for (const FenceTable::Key& key : fenced) ASSERT_FALSE(table.may_write(key.second, key.first));
            for (const auto& [key, number] : carried)
                ASSERT_EQ(table.may_write(key.second, key.first), !fenced.contains(key));
        }
        EXPECT_FALSE(fenced.empty());
    }
}

}  // namespace
}  // namespace understudy::files
