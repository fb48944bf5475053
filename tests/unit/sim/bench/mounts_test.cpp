// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/mounts.hpp"

#include <gtest/gtest.h>

namespace understudy::bench {
namespace {

constexpr const char* mountinfo =
    "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "40 22 0:35 / /run/bench rw,nosuid shared:7 master:2 - tmpfs tmpfs rw,size=786432k\n"
    "41 40 0:36 / /run/bench/mnt rw,nosuid shared:8 master:3 - fuse.sshfs bench@192.0.2.11:/srv "
    "rw,user_id=0\n"
    "42 40 0:37 / /run/bench rw - fuse.other other rw\n";

TEST(Mountinfo, the_type_of_a_mount_follows_the_optional_fields) {
    EXPECT_EQ(mounted_type(mountinfo, "/run/bench/mnt"), "fuse.sshfs");
    EXPECT_EQ(mounted_type(mountinfo, "/"), "ext4");
}

TEST(Mountinfo, what_was_mounted_last_counts) {
    EXPECT_EQ(mounted_type(mountinfo, "/run/bench"), "fuse.other");
}

TEST(Mountinfo, a_folder_without_a_mount_of_its_own_has_no_type) {
    EXPECT_EQ(mounted_type(mountinfo, "/run/bench/mnt/folder"), "");
    EXPECT_EQ(mounted_type(mountinfo, "/run"), "");
    EXPECT_EQ(mounted_type("no table\n\n", "/"), "");
}

}  // namespace
}  // namespace understudy::bench
