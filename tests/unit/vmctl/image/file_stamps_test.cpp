// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/file_stamps.hpp"

#include <gmock/gmock.h>

#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {

namespace fs = std::filesystem;

TEST(FileStamps, hold_while_nothing_changes) {
    const test::ScratchDirectory directory;
    FileStamps stamps;
    stamps.add(directory.write("program", "one"));
    stamps.add(directory.path() / "not there");
    EXPECT_TRUE(FileStamps::hold(stamps.text()));
}

TEST(FileStamps, see_a_change_that_keeps_size_and_modification_time) {
    const test::ScratchDirectory directory;
    const fs::path file = directory.write("program", "one");
    const auto written = fs::last_write_time(file);
    FileStamps stamps;
    stamps.add(file);
    directory.write("program", "two");
    fs::last_write_time(file, written);
    EXPECT_FALSE(FileStamps::hold(stamps.text()));
}

TEST(FileStamps, see_a_file_replaced_by_another) {
    const test::ScratchDirectory directory;
    const fs::path file = directory.write("program", "one");
    FileStamps stamps;
    stamps.add(file);
    fs::rename(directory.write("new", "one"), file);
    EXPECT_FALSE(FileStamps::hold(stamps.text()));
}

TEST(FileStamps, see_a_file_come_and_go) {
    const test::ScratchDirectory directory;
    FileStamps without, with;
    without.add(directory.path() / "late");
    with.add(directory.write("late", "one"));
    EXPECT_FALSE(FileStamps::hold(without.text()));
    fs::remove(directory.path() / "late");
    EXPECT_TRUE(FileStamps::hold(without.text()));
    EXPECT_FALSE(FileStamps::hold(with.text()));
}

TEST(FileStamps, of_a_broken_text_do_not_hold) {
    const test::ScratchDirectory directory;
    FileStamps stamps;
    stamps.add(directory.write("program", "one"));
    EXPECT_FALSE(FileStamps::hold(""));
    EXPECT_FALSE(FileStamps::hold("\n"));
    EXPECT_FALSE(FileStamps::hold("nonsense\n"));
    EXPECT_FALSE(FileStamps::hold(stamps.text().substr(0, stamps.text().size() - 1)));
}

}  // namespace
}  // namespace understudy::vmctl
