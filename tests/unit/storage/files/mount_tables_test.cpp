// SPDX-License-Identifier: Apache-2.0
// What a mount remembers: its fids and its locks.
#include <gtest/gtest.h>

#include "storage/files/mount/fid_table.hpp"
#include "storage/files/mount/held_locks.hpp"

namespace understudy::files {
namespace {

Qid file_number(std::uint64_t number) {
    return {0, 0, number};
}

Tlock lock_of(std::uint8_t type, std::uint64_t start, std::uint64_t length, const char* owner = "a") {
    return {7, type, 0, start, length, 1, owner};
}

std::string text(const std::vector<Tlock>& requests) {
    std::string all;
    for (const Tlock& it : requests)
        all +=
            std::string(1, "rwu"[it.type]) + std::to_string(it.start) + "+" + std::to_string(it.length) + " ";
    return all;
}

TEST(FidTable, a_renamed_folder_takes_along_what_is_below_it_and_nothing_beside_it) {
    FidTable fids;
    fids.know(1, "folder", file_number(1));
    fids.know(2, "folder/file", file_number(2));
    fids.know(3, "folder.old", file_number(3));
    fids.know(4, "folder/file", file_number(2));
    fids.renamed("folder", "a/b");
    EXPECT_EQ(fids.path(1), "a/b");
    EXPECT_EQ(fids.path(2), "a/b/file");
    EXPECT_EQ(fids.path(3), "folder.old");
    EXPECT_EQ(fids.path(4), "a/b/file");
    EXPECT_EQ(fids.at("folder/file"), no_fid);
    EXPECT_NE(fids.at("a/b/file"), no_fid);
}

TEST(FidTable, an_unlinked_file_is_not_found_by_its_path_again_though_another_gets_its_name) {
    FidTable fids;
    fids.know(1, "file", file_number(1));
    fids.unlinked("file");
    fids.know(2, "file", file_number(2));
    fids.renamed("file", "other");
    EXPECT_TRUE(fids.find(1)->gone);
    EXPECT_EQ(fids.path(1), "file");
    EXPECT_EQ(fids.at("other"), 2U);
    fids.erase(1);
    EXPECT_EQ(fids.at("other"), 2U);
}

TEST(FidTable, only_open_fids_die_with_a_session) {
    FidTable fids;
    fids.know(1, "file", file_number(1));
    fids.know(2, "file", file_number(1));
    fids.know_open(2, 0);
    EXPECT_EQ(fids.open_on(1), 2U);
    EXPECT_EQ(fids.at("file"), 1U);
    fids.open_ones_died();
    EXPECT_TRUE(fids.is_dead(2));
    EXPECT_FALSE(fids.is_dead(1));
    EXPECT_EQ(fids.open_on(1), no_fid);
    EXPECT_TRUE(fids.is_dead(3)) << "it is not known";
}

TEST(FidTable, what_leaves_is_restored_until_it_is_erased_and_is_given_to_nobody) {
    FidTable fids;
    fids.know(1, "file", file_number(1));
    fids.know_open(1, 0);
    fids.know(2, "other", file_number(2));
    fids.leave(1);
    fids.leave(2);
    EXPECT_EQ(fids.to_be_restored(), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_TRUE(fids.is_dead(1));
    EXPECT_EQ(fids.open_on(1), no_fid);
    EXPECT_EQ(fids.at("other"), no_fid);
    EXPECT_EQ(fids.free_number(), 3U);
    fids.renamed("other", "another");
    EXPECT_EQ(fids.path(2), "another") << "where it is to be found";
    fids.erase(1);
    EXPECT_EQ(fids.to_be_restored(), std::vector<std::uint32_t>{2});
    fids.know(1, "file", file_number(1));
    EXPECT_FALSE(fids.is_dead(1));
}

TEST(FidTable, what_is_only_kept_taken_is_not_restored) {
    FidTable fids;
    fids.know(root_fid, "", file_number(1));
    fids.know(5, "x", {});
    fids.know(6, "y", file_number(6));
    EXPECT_EQ(fids.to_be_restored(), std::vector<std::uint32_t>{6});
    EXPECT_EQ(names_of("a/b/c"), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(names_of("").empty());
    EXPECT_EQ(child_path("", "a"), "a");
}

TEST(HeldLocks, settling_unlocks_what_is_not_held_and_asks_for_what_is) {
    HeldLocks locks;
    EXPECT_EQ(text(locks.settling(1, lock_of(lock_write, 0, 0))), "u0+0 ");
    locks.enter(1, lock_of(lock_read, 10, 10));
    locks.enter(1, lock_of(lock_write, 30, 10));
    locks.enter(1, lock_of(lock_write, 0, 100, "b"));
    locks.enter(2, lock_of(lock_write, 0, 0));
    EXPECT_EQ(text(locks.settling(1, lock_of(lock_write, 100, 5))), "u100+5 ");
    locks.enter(1, lock_of(lock_unlock, 0, 100, "b"));
    locks.enter(1, lock_of(lock_read, 10, 10));
    locks.enter(1, lock_of(lock_write, 30, 10));
    EXPECT_EQ(text(locks.settling(1, lock_of(lock_write, 0, 0))), "u0+10 u20+10 u40+0 r10+10 w30+10 ");
    EXPECT_EQ(text(locks.settling(1, lock_of(lock_write, 12, 20))), "u20+10 r12+8 w30+2 ");
    EXPECT_EQ(text(locks.settling(1, lock_of(lock_write, 31, 5))), "w31+5 ");
}

TEST(HeldLocks, only_giving_up_and_sharing_what_was_exclusive_lets_others_in) {
    HeldLocks locks;
    EXPECT_FALSE(locks.weakens(1, lock_of(lock_unlock, 0, 0)));
    locks.enter(1, lock_of(lock_write, 10, 10));
    EXPECT_TRUE(locks.weakens(1, lock_of(lock_read, 0, 0)));
    EXPECT_TRUE(locks.weakens(1, lock_of(lock_unlock, 19, 1)));
    EXPECT_FALSE(locks.weakens(1, lock_of(lock_read, 20, 1)));
    EXPECT_FALSE(locks.weakens(1, lock_of(lock_write, 0, 0)));
    EXPECT_FALSE(locks.weakens(1, lock_of(lock_unlock, 0, 0, "b")));
    EXPECT_TRUE(locks.holds(1, "a"));
    EXPECT_FALSE(locks.holds(1, "flock:a")) << "a space of its own";
}

}  // namespace
}  // namespace understudy::files
