// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/erofs.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "test_guest.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/files.hpp"
#include "vmctl/image/subprocess.hpp"

namespace understudy::vmctl {
namespace {
namespace fs = std::filesystem;

class ErofsTest : public testing::Test {
  protected:
    void SetUp() override {
        const auto tool = find_mkfs_erofs();
        if (tool.has_error()) GTEST_SKIP() << tool.error().message();
        reader_ = tool->parent_path() / "fsck.erofs";
    }

    fs::path path(const std::string& name) { return directory_.path() / name; }

    test::ScratchDirectory directory_;
    fs::path reader_;
};

TEST_F(ErofsTest, every_file_is_read_back_by_another_program) {
    const std::map<std::string, std::string> files{{"bin/program", std::string(10'000, 'p')},
                                                   {"empty", ""},
                                                   {"lib/a/one-page", std::string(4096, 'x')},
                                                   {"lib/b/short", "s"}};
    const auto written = write_erofs(files, path("image"));
    ASSERT_TRUE(written.has_value()) << written.error().message();
    const auto read =
        run_program({reader_.string(), "--extract=" + path("tree").string(), path("image").string()}, 10s);
    ASSERT_TRUE(read.has_value()) << read.error().message();
    ASSERT_EQ(read->status, 0) << read->output;
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path("tree"))) {
        const std::string name = fs::relative(entry.path(), path("tree")).string();
        EXPECT_EQ(entry.status().permissions(), fs::perms(0755)) << name;
        if (entry.is_regular_file()) found[name] = *read_whole_file(entry.path());
    }
    EXPECT_EQ(found, files);
}

TEST_F(ErofsTest, the_same_files_make_the_same_bytes_whatever_the_umask) {
    std::map<std::string, std::string> files;
    for (int i = 0; i < 40; ++i)
        files["lib/" + std::to_string(i * 7919 % 40) + "/file"] = std::string(100 + i, 'x');
    ASSERT_TRUE(write_erofs(files, path("one")).has_value());
    const mode_t before = ::umask(077);
    const auto again = write_erofs(files, path("two"));
    ::umask(before);
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(*read_whole_file(path("one")) == *read_whole_file(path("two")));
}

TEST_F(ErofsTest, a_path_that_leads_out_is_refused_and_a_name_with_two_dots_is_not) {
    for (const char* path_outside : {"", "/a", "..", "a/../../b"}) {
        const auto refused = write_erofs({{path_outside, "x"}}, path("image"));
        ASSERT_TRUE(refused.has_error()) << path_outside;
        EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    }
    EXPECT_TRUE(write_erofs({{"a..b/..c", "x"}}, path("image")).has_value());
}

TEST_F(ErofsTest, a_folder_that_is_not_there_is_named_and_nothing_is_left_of_a_failure) {
    const auto nowhere = write_erofs({{"a", "b"}}, path("no/image"));
    ASSERT_TRUE(nowhere.has_error());
    EXPECT_THAT(nowhere.error().message(), testing::HasSubstr(path("no").string()));
    fs::create_directories(path("taken/by-a-folder"));
    EXPECT_TRUE(write_erofs({{"a", "b"}}, path("taken")).has_error());
    for (const auto& entry : fs::directory_iterator(directory_.path()))
        EXPECT_EQ(entry.path().filename(), "taken");
}

}  // namespace
}  // namespace understudy::vmctl
