// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/cpio.hpp"

#include <gtest/gtest.h>

#include "vmctl/image/skeleton.hpp"

namespace understudy::vmctl {
namespace {

using namespace std::string_literals;

TEST(Cpio, an_entry_is_written_as_the_kernel_reads_it) {
    CpioArchive archive;
    archive.add_file("a", "hello", 0644);
    EXPECT_EQ(archive.bytes(),
              "07070100000001000081a40000000000000000000000010000000000000005"
              "0000000000000000000000000000000000000002000000"
              "00a\0hello\0\0\0"
              "0707010000000000000000000000000000000000000001000000000000000000000000000000000000000000000000"
              "0000000b00000000TRAILER!!!\0\0\0\0"s);
}

TEST(Cpio, parents_are_made_and_come_before_their_children_whatever_the_order) {
    CpioArchive forward, backward;
    forward.add_file("b/c/d", "1");
    forward.add_link("b-e", "x");
    backward.add_link("b-e", "x");
    backward.add_file("b/c/d", "1");
    const std::string bytes = forward.bytes();
    EXPECT_EQ(bytes, backward.bytes());
    EXPECT_LT(bytes.find("b\0"s), bytes.find("b/c\0"s));
    EXPECT_LT(bytes.find("b/c\0"s), bytes.find("b/c/d\0"s));
}

TEST(Cpio, the_skeleton_has_what_process_1_finds_before_anything_is_mounted) {
    CpioArchive archive;
    add_skeleton(archive);
    for (const char* path :
         {"dev/console", "proc", "sys", "run", "tmp", "etc/passwd", "bin/sh", "opt/understudy/bin"})
        EXPECT_TRUE(archive.contains(path)) << path;
}

}  // namespace
}  // namespace understudy::vmctl
