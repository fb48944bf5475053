// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/root_directory.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

namespace understudy::vmctl {
namespace {
namespace fs = std::filesystem;

class RootDirectory : public testing::Test {
  protected:
    RootDirectory() {
        char name[] = "/tmp/understudy-root-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~RootDirectory() override { fs::remove_all(directory_); }
    fs::path directory_;
};

TEST_F(RootDirectory, keeps_libvirt_from_touching_the_rest_of_the_machine) {
    const fs::path root = directory_ / "libvirt";
    ASSERT_TRUE(prepare_root_directory(root, {}).has_value());
    std::stringstream text;
    text << std::ifstream(root / "etc/qemu.conf").rdbuf();
    for (const char* line : {"security_driver = \"none\"\n", "cgroup_controllers = []\n", "namespaces = []\n",
                             "stdio_handler = \"file\"\n", "dynamic_ownership = 0\n"})
        EXPECT_THAT(text.str(), testing::HasSubstr(line));
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
