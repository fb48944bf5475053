// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/cache.hpp"

#include <gmock/gmock.h>

#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/files.hpp"

namespace understudy::vmctl {
namespace {
namespace fs = std::filesystem;

TEST(ImageCache, keeps_the_newest_few_and_what_was_used_lately) {
    const test::ScratchDirectory directory;
    const ImageCache cache = ImageCache::open(directory.path()).value();
    const auto now = fs::file_time_type::clock::now();
    for (int age = 0; age < 7; ++age)
        fs::last_write_time(directory.write("initrd-" + std::to_string(age), "x"),
                            now - std::chrono::hours(2 + age));
    fs::last_write_time(directory.write("tmp-left-behind", "x"), now - std::chrono::hours(2));
    fs::last_write_time(directory.write("something else", "x"), now - std::chrono::hours(99));
    EXPECT_TRUE(cache.use(cache.path("initrd", "6")));
    EXPECT_FALSE(cache.use(cache.path("initrd", "9")));
    cache.prune();
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(directory.path()))
        left.push_back(entry.path().filename());
    EXPECT_THAT(left, testing::UnorderedElementsAre("initrd-6", "initrd-0", "initrd-1", "initrd-2",
                                                    "something else"));
}

TEST(ImageCache, keeps_folders_as_it_keeps_files) {
    const test::ScratchDirectory directory;
    const ImageCache cache = ImageCache::open(directory.path()).value();
    const auto now = fs::file_time_type::clock::now();
    for (int age = 0; age < 6; ++age) {
        const std::string name = "postgresql-" + std::to_string(age);
        directory.write(name + "/PG_VERSION", "15");
        fs::last_write_time(directory.path() / name, now - std::chrono::hours(2 + age));
    }
    directory.write("tmp-postgresql-left/data/PG_VERSION", "15");
    fs::last_write_time(directory.path() / "tmp-postgresql-left", now - std::chrono::hours(2));
    EXPECT_TRUE(cache.use(cache.path("postgresql", "5")));
    cache.prune();
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(directory.path()))
        left.push_back(entry.path().filename());
    EXPECT_THAT(
        left, testing::UnorderedElementsAre("postgresql-5", "postgresql-0", "postgresql-1", "postgresql-2"));
    EXPECT_TRUE(fs::exists(directory.path() / "postgresql-5" / "PG_VERSION"));
}

TEST(ContentHash, tells_the_same_bytes_apart_when_they_are_divided_differently) {
    const auto hash = [](const std::vector<std::string>& pieces) {
        ContentHash content;
        for (const std::string& piece : pieces) content.add(piece);
        return content.finish();
    };
    EXPECT_EQ(hash({"ab", "c"}), hash({"ab", "c"}));
    EXPECT_NE(hash({"ab", "c"}), hash({"a", "bc"}));
    EXPECT_EQ(hash({"ab"}).size(), 64u);
}

TEST(WriteFileAtomically, replaces_the_file_and_leaves_no_temporary) {
    const test::ScratchDirectory directory;
    const fs::path file = directory.write("f", "old");
    ASSERT_TRUE(write_file_atomically(file, "new").has_value());
    EXPECT_EQ(read_whole_file(file).value(), "new");
    EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 1);
    EXPECT_TRUE(write_file_atomically("/no/such/place/f", "x").has_error());
}

}  // namespace
}  // namespace understudy::vmctl
