// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/accelerator.hpp"

#include <gmock/gmock.h>

#include <cstdio>

#include "base/io/clock.hpp"
#include "test_guest.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/requirements.hpp"

namespace understudy::vmctl {
namespace {

class AcceleratorTest : public testing::Test {
  protected:
    void SetUp() override {
        if (find_qemu().has_error()) GTEST_SKIP() << find_qemu().error().message();
    }
    test::ScratchDirectory directory_;
};

TEST_F(AcceleratorTest, the_probe_guest_answers_under_emulation) {
    const Instant before = io::monotonic_now();
    const auto answer = boot_probe_guest(AcceleratorKind::tcg, directory_.path(), 20s);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    std::printf("probe guest under tcg: %.0f ms\n", to_milliseconds(io::monotonic_now() - before));
}

TEST_F(AcceleratorTest, a_guest_that_does_not_answer_in_time_is_given_up) {
    const Instant before = io::monotonic_now();
    const auto answer = boot_probe_guest(AcceleratorKind::tcg, directory_.path(), 1ms);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().message(), "tcg: probe guest did not answer within 1ms");
    EXPECT_LT(io::monotonic_now() - before, 5s);
}

TEST_F(AcceleratorTest, the_answer_names_its_reason_comes_in_time_and_is_remembered) {
    const Instant before = io::monotonic_now();
    const auto first = proven_accelerator(directory_.path(), 2s);
    ASSERT_TRUE(first.has_value()) << first.error().message();
    EXPECT_LT(io::monotonic_now() - before, 10s);
    std::printf("%s: %s (%.0f ms)\n", to_string(first->kind), first->reason.c_str(),
                to_milliseconds(io::monotonic_now() - before));
    EXPECT_FALSE(first->reason.empty());
    EXPECT_FALSE(first->from_cache);
    const auto second = proven_accelerator(directory_.path(), 2s);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->kind, first->kind);
    EXPECT_EQ(second->reason, first->reason);
    EXPECT_EQ(second->from_cache, first->reason.find("/dev/kvm") == std::string::npos);
}

TEST_F(AcceleratorTest, every_requirement_that_is_not_met_comes_with_a_remedy) {
    const auto list = vm_requirements({{directory_.path()}, "/no/such/busybox", directory_.path()});
    ASSERT_GE(list.size(), 6u);
    for (const Requirement& requirement : list) {
        EXPECT_FALSE(requirement.detail.empty()) << requirement.name;
        EXPECT_EQ(requirement.ok, requirement.remedy.empty())
            << requirement.name << ": " << requirement.detail;
        if (requirement.name == "guest kernel") {
            EXPECT_EQ(requirement.remedy, "run ./dev setup");
        }
        if (requirement.name == "busybox") {
            EXPECT_EQ(requirement.remedy, "install the package busybox-static");
        }
    }
}

}  // namespace
}  // namespace understudy::vmctl
