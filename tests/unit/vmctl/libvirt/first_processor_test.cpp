// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/first_processor.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <semaphore>
#include <thread>

namespace understudy::vmctl {
namespace {

cpu_set_t allowed() {
    cpu_set_t set;
    CPU_ZERO(&set);
    EXPECT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
    return set;
}

// In a thread of its own, so that the others of this program keep theirs.
TEST(first_processor, holds_the_thread_and_what_it_starts_and_lets_both_go_again) {
    const cpu_set_t all = allowed();
    if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "this process may use one processor only";
    std::thread([&all] {
        std::binary_semaphore may_look(0);
        cpu_set_t in_child_during{};
        cpu_set_t in_child_after{};
        std::binary_semaphore looked(0);
        auto held = std::make_unique<OnFirstProcessor>();
        const cpu_set_t during = allowed();
        std::thread child([&] {
            in_child_during = allowed();
            looked.release();
            may_look.acquire();
            in_child_after = allowed();
        });
        looked.acquire();
        held.reset();
        may_look.release();
        child.join();
        const cpu_set_t after = allowed();

        EXPECT_EQ(CPU_COUNT(&during), 1);
        int first = 0;
        while (!CPU_ISSET(first, &all)) ++first;
        EXPECT_TRUE(CPU_ISSET(first, &during));
        EXPECT_TRUE(CPU_EQUAL(&in_child_during, &during));
        EXPECT_TRUE(CPU_EQUAL(&after, &all));
        EXPECT_TRUE(CPU_EQUAL(&in_child_after, &all));
    }).join();
}

}  // namespace
}  // namespace understudy::vmctl
