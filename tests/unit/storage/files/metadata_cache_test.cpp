// SPDX-License-Identifier: Apache-2.0
// What is remembered under a delegation, and what ends it.
#include "storage/files/mount/metadata_cache.hpp"

#include <gtest/gtest.h>

namespace understudy::files {
namespace {

constexpr std::uint64_t folder = 10, other_folder = 11, file = 20, second = 21;

struct stat status_of(std::uint64_t number, off_t size = 0) {
    struct stat status = {};
    status.st_ino = number;
    status.st_size = size;
    return status;
}

struct Metadata : testing::Test {
    void SetUp() override { cache.begin(); }
    void know(std::uint64_t number) { cache.remember(cache.ask(), status_of(number)); }
    bool knows(std::uint64_t number) const { return cache.status(number) != nullptr; }
    MetadataCache cache;
};

TEST_F(Metadata, nothing_is_remembered_without_a_delegation_or_from_one_to_the_next) {
    const MetadataCache::Question before = cache.ask();
    know(file);
    cache.named(folder, "x", file);
    cache.end();
    EXPECT_FALSE(knows(file));
    EXPECT_FALSE(cache.child(folder, "x"));
    know(file);
    cache.named(folder, "x", file);
    cache.is_empty(folder);
    EXPECT_FALSE(knows(file));
    EXPECT_FALSE(cache.child(folder, "x"));
    const MetadataCache::Question between = cache.ask();
    cache.begin();
    for (const MetadataCache::Question& old : {before, between}) {
        cache.remember(old, status_of(file));
        EXPECT_FALSE(knows(file));
        EXPECT_FALSE(cache.is_current(old));
    }
}

TEST_F(Metadata, what_was_asked_before_a_change_and_answered_after_it_is_not_remembered) {
    const MetadataCache::Question asked = cache.ask();
    cache.changed(file);
    cache.remember(asked, status_of(file));
    EXPECT_FALSE(knows(file));
    cache.remember(asked, status_of(second));
    EXPECT_TRUE(knows(second));
    EXPECT_FALSE(cache.holds(asked, file));
    know(file);
    EXPECT_TRUE(knows(file));
    cache.changed(file);
    EXPECT_FALSE(knows(file));
}

TEST_F(Metadata, of_a_folder_that_was_made_just_now_every_name_is_known) {
    EXPECT_FALSE(cache.child(folder, "x"));
    cache.is_empty(folder);
    EXPECT_EQ(cache.child(folder, "x"), 0U);
    cache.named(folder, "x", file);
    EXPECT_EQ(cache.child(folder, "x"), file);
    cache.forget_names(folder);
    EXPECT_FALSE(cache.child(folder, "x"));
    EXPECT_FALSE(cache.child(folder, "y"));
}

TEST_F(Metadata, a_change_by_name_forgets_the_status_of_what_bears_it) {
    cache.named(folder, "x", file);
    cache.named(folder, "none", 0);
    know(file);
    know(second);
    cache.changed(folder, "none");
    EXPECT_TRUE(knows(file));
    cache.changed(folder, "x");
    EXPECT_FALSE(knows(file));
    EXPECT_TRUE(knows(second));
    // It may be any.
    cache.changed(folder, "unknown");
    EXPECT_FALSE(knows(second));
}

TEST_F(Metadata, what_was_asked_before_an_unknown_file_was_changed_is_not_remembered) {
    const MetadataCache::Question asked = cache.ask();
    cache.changed(folder, "unknown");
    cache.remember(asked, status_of(file));
    EXPECT_FALSE(knows(file));
}

TEST_F(Metadata, a_renamed_file_has_its_new_name_alone) {
    cache.is_empty(folder);
    cache.is_empty(other_folder);
    cache.named(folder, "x", file);
    cache.renamed(folder, "x", other_folder, "y");
    EXPECT_EQ(cache.child(folder, "x"), 0U);
    EXPECT_EQ(cache.child(other_folder, "y"), file);
}

TEST_F(Metadata, renaming_one_of_two_names_of_a_file_onto_the_other_changes_nothing) {
    cache.named(folder, "x", file);
    cache.named(folder, "y", file);
    cache.renamed(folder, "x", folder, "y");
    EXPECT_EQ(cache.child(folder, "x"), file);
    EXPECT_EQ(cache.child(folder, "y"), file);
}

TEST_F(Metadata, where_what_was_renamed_is_not_known_the_names_of_its_new_folder_are_forgotten) {
    cache.is_empty(other_folder);
    cache.renamed(folder, "x", other_folder, "y");
    EXPECT_FALSE(cache.child(other_folder, "y"));
    EXPECT_FALSE(cache.child(other_folder, "z"));
    EXPECT_EQ(cache.child(folder, "x"), 0U);
}

TEST_F(Metadata, a_removed_folder_takes_its_names_along) {
    cache.named(folder, "sub", other_folder);
    cache.is_empty(other_folder);
    cache.changed(folder, "sub");
    EXPECT_FALSE(cache.child(other_folder, "x"));
}

TEST_F(Metadata, it_grows_to_its_limit_and_goes_on) {
    cache.is_empty(folder);
    for (std::uint64_t number = 1; number <= 70'000; ++number) {
        cache.named(folder, std::to_string(number), number);
        know(number);
    }
    EXPECT_FALSE(cache.child(folder, "1"));
    EXPECT_FALSE(cache.child(folder, "not there"));
    EXPECT_EQ(cache.child(folder, "70000"), 70'000U);
    EXPECT_FALSE(knows(1));
    EXPECT_TRUE(knows(70'000));
}

}  // namespace
}  // namespace understudy::files
