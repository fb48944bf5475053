// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/machine_load.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_directory.hpp"

namespace understudy::lab {
namespace {

class Pressure : public testing::Test {
  protected:
    void put(const std::string& resource, std::int64_t microseconds) const {
        std::ofstream(folder / resource) << "some avg10=0.12 avg60=0.00 avg300=0.00 total=" << microseconds
                                         << "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
    }
    const test::ScratchDirectory scratch;
    const std::filesystem::path folder = scratch.path();
};

TEST_F(Pressure, waiting_for_half_of_the_time_is_busy_and_less_is_not) {
    MachineLoad load(folder);
    put("cpu", 1'000'000);
    put("io", 0);
    EXPECT_FALSE(load.look(Instant{10s})) << "nothing to compare with";
    put("cpu", 1'499'000);
    EXPECT_FALSE(load.look(Instant{11s}));
    put("cpu", 1'999'000);
    put("io", 30'000);
    const auto busy = load.look(Instant{12s});
    ASSERT_TRUE(busy);
    EXPECT_EQ(busy->name, "machine_busy");
    EXPECT_EQ(integer_attribute(*busy, "processor_percent"), 50);
    EXPECT_EQ(integer_attribute(*busy, "disk_percent"), 3);
}

TEST_F(Pressure, a_disk_that_is_waited_for_is_busy_too) {
    MachineLoad load(folder);
    put("io", 0);
    load.look(Instant{1s});
    put("io", 2'000'000);
    const auto busy = load.look(Instant{3s});
    ASSERT_TRUE(busy);
    EXPECT_EQ(integer_attribute(*busy, "disk_percent"), 100);
}

TEST_F(Pressure, a_kernel_that_tells_nothing_is_never_busy) {
    MachineLoad load(folder / "none");
    EXPECT_FALSE(load.look(Instant{1s}));
    EXPECT_FALSE(load.look(Instant{2s}));
}

TEST(PressureFile, is_read_only_when_it_is_one) {
    EXPECT_EQ(waited_in("some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull total=9\n"), Duration(12us));
    EXPECT_FALSE(waited_in(""));
    EXPECT_FALSE(waited_in("full avg10=0.00 total=12\n"));
    EXPECT_FALSE(waited_in("some avg10=0.00\nfull total=12\n"));
    EXPECT_FALSE(waited_in("some avg10=0.00 total=\n"));
    EXPECT_FALSE(waited_in("some avg10=0.00 total=99999999999999999999\n"));
}

}  // namespace
}  // namespace understudy::lab
