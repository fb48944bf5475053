// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdio>
#include <set>
#include <thread>

#include "base/io/clock.hpp"
#include "test_guest.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/decompress.hpp"
#include "vmctl/image/files.hpp"
#include "vmctl/image/modules.hpp"

namespace understudy::vmctl {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

class ImageTest : public testing::Test {
  protected:
    void SetUp() override {
        auto kernel = test_kernel();
        if (kernel.has_error()) GTEST_SKIP() << kernel.error().message();
        spec_ = test_image_spec(*kernel, directory_.path() / "cache");
        if (!fs::exists(spec_.busybox)) GTEST_SKIP() << "no " << spec_.busybox;
    }
    test::ScratchDirectory directory_;
    GuestImageSpec spec_;
};

TEST_F(ImageTest, the_same_inputs_give_the_same_bytes_and_come_from_the_cache) {
    const Instant before = io::monotonic_now();
    const auto first = build_guest_image(spec_);
    const Instant between = io::monotonic_now();
    ASSERT_TRUE(first.has_value()) << first.error().message();
    EXPECT_FALSE(first->from_cache);
    const auto second = build_guest_image(spec_);
    std::printf("built in %.0f ms, again in %.0f ms\n", to_milliseconds(between - before),
                to_milliseconds(io::monotonic_now() - between));
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(second->from_cache);
    EXPECT_EQ(second->content_hash, first->content_hash);

    spec_.cache_dir = directory_.path() / "other";
    const auto elsewhere = build_guest_image(spec_);
    ASSERT_TRUE(elsewhere.has_value());
    EXPECT_EQ(elsewhere->content_hash, first->content_hash);
    EXPECT_TRUE(*read_whole_file(elsewhere->initrd) == *read_whole_file(first->initrd));
    EXPECT_TRUE(*read_whole_file(elsewhere->disk) == *read_whole_file(first->disk));
    EXPECT_TRUE(*read_whole_file(elsewhere->kernel) == *read_whole_file(first->kernel));
}

TEST_F(ImageTest, a_changed_program_gives_another_image_with_the_same_kernel) {
    const auto before = build_guest_image(spec_);
    ASSERT_TRUE(before.has_value()) << before.error().message();
    spec_.programs.push_back({"/usr/bin/env", "/opt/understudy/bin/env"});
    const auto after = build_guest_image(spec_);
    ASSERT_TRUE(after.has_value()) << after.error().message();
    EXPECT_FALSE(after->from_cache);
    EXPECT_NE(after->content_hash, before->content_hash);
    EXPECT_EQ(after->kernel, before->kernel);
    const std::string archive = *decompress(*read_whole_file(after->initrd), "initrd");
    for (const char* path :
         {"opt/understudy/bin/env", "ld-linux-x86-64.so.2", "libc.so.6", "etc/passwd", "bin/busybox"})
        EXPECT_THAT(archive.find(path), testing::Ne(std::string::npos)) << path;
    // What is on the disk needs no memory until it is used.
    EXPECT_LT(archive.size(), 3u << 20);
    EXPECT_GT(fs::file_size(after->disk), fs::file_size(spec_.busybox));
}

TEST_F(ImageTest, a_program_rewritten_in_place_or_a_lost_image_is_noticed) {
    const fs::path program = directory_.path() / "program";
    fs::copy_file("/usr/bin/env", program);
    spec_.programs.push_back({program, "/opt/understudy/bin/program"});
    const auto first = build_guest_image(spec_);
    ASSERT_TRUE(first.has_value()) << first.error().message();
    fs::copy_file("/usr/bin/true", program, fs::copy_options::overwrite_existing);
    const auto second = build_guest_image(spec_);
    ASSERT_TRUE(second.has_value()) << second.error().message();
    EXPECT_FALSE(second->from_cache);
    EXPECT_NE(second->content_hash, first->content_hash);

    for (const fs::path& lost : {second->initrd, second->disk, second->kernel}) {
        fs::remove(lost);
        const auto third = build_guest_image(spec_);
        ASSERT_TRUE(third.has_value()) << third.error().message();
        EXPECT_FALSE(third->from_cache);
        EXPECT_TRUE(fs::exists(lost));
        EXPECT_EQ(third->content_hash, second->content_hash);
    }
}

TEST_F(ImageTest, builders_at_the_same_time_agree_and_leave_nothing_behind) {
    std::vector<Result<GuestImage>> images(3, Result<GuestImage>(GuestImage{}));
    std::vector<std::thread> builders;
    for (auto& image : images) builders.emplace_back([&image, this] { image = build_guest_image(spec_); });
    for (std::thread& builder : builders) builder.join();
    for (const auto& image : images) {
        ASSERT_TRUE(image.has_value()) << image.error().message();
        EXPECT_EQ(image->content_hash, images.front()->content_hash);
    }
    for (const auto& entry : fs::directory_iterator(spec_.cache_dir))
        EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::StartsWith("tmp-")));
}

TEST_F(ImageTest, modules_come_after_all_they_need) {
    const auto modules = collect_modules(spec_.kernel, {"virtio_net", "virtio-rng", "fuse"});
    ASSERT_TRUE(modules.has_value()) << modules.error().message();
    std::set<std::string> present, inserted;
    for (const KernelModule& module : *modules) present.insert(module.name);
    for (const KernelModule& module : *modules) {
        for (const std::string& needed : module_dependencies(module.content))
            EXPECT_TRUE(!present.contains(needed) || inserted.contains(needed))
                << module.name << " before " << needed;
        inserted.insert(module.name);
    }
}

TEST_F(ImageTest, what_is_missing_is_named) {
    const auto module = collect_modules(spec_.kernel, {"no_such_module"});
    ASSERT_TRUE(module.has_error());
    EXPECT_THAT(module.error().message(), HasSubstr("has no module no_such_module"));
    spec_.init = "/opt/understudy/bin/other";
    EXPECT_EQ(build_guest_image(spec_).error().kind, ErrorKind::bad_input);
    spec_.init = "/opt/understudy/bin/test-init";
    spec_.busybox = "/no/such/busybox";
    EXPECT_THAT(build_guest_image(spec_).error().message(), HasSubstr("busybox-static"));
}

}  // namespace
}  // namespace understudy::vmctl
