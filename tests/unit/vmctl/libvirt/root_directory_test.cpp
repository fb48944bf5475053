// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/root_directory.hpp"

#include <gmock/gmock.h>

#include "tests/support/content_of.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {
namespace fs = std::filesystem;

class RootDirectory : public testing::Test {
  protected:
    const test::ScratchDirectory scratch_;
    const fs::path directory_ = scratch_.path();
};

TEST_F(RootDirectory, keeps_libvirt_from_touching_the_rest_of_the_machine) {
    const fs::path root = directory_ / "libvirt";
    ASSERT_TRUE(prepare_root_directory(root, {}).has_value());
    const std::string text = test::content_of(root / "etc/qemu.conf");
    for (const char* line : {"security_driver = \"none\"\n", "cgroup_controllers = []\n", "namespaces = []\n",
                             "stdio_handler = \"file\"\n", "dynamic_ownership = 0\n"})
        EXPECT_THAT(text, testing::HasSubstr(line));
    EXPECT_EQ(fs::status(root).permissions(), fs::perms::owner_all);
}

TEST_F(RootDirectory, can_be_prepared_again) {
    ASSERT_TRUE(prepare_root_directory(directory_ / "r", directory_ / "c").has_value());
    EXPECT_TRUE(prepare_root_directory(directory_ / "r", directory_ / "c").has_value());
}

TEST_F(RootDirectory, refuses_a_path_too_long_for_its_sockets) {
    const auto refused = prepare_root_directory("/tmp/" + std::string(60, 'a'), {});
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    EXPECT_EQ(refused.error().number, 65);
}

}  // namespace
}  // namespace understudy::vmctl
