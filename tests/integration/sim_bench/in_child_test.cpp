// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/in_child.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace understudy::bench {
namespace {

TEST(InChild, a_figure_comes_back_whole) {
    const auto result = in_child(20s, [] { return Result<double>(12345.678901); });
    ASSERT_TRUE(result.has_value());
    EXPECT_DOUBLE_EQ(*result, 12345.678901);
}

TEST(InChild, an_error_comes_back_with_subject_reason_and_number) {
    const auto result = in_child(20s, [] { return Result<double>(system_error("/a/file", EACCES)); });
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().message(), "/a/file: Permission denied (13)");
}

TEST(InChild, a_measurement_that_ends_by_itself_is_an_error) {
    const auto result = in_child(20s, []() -> Result<double> { ::_exit(0); });
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().message(), "measurement: ended without a result");
}

TEST(InChild, a_measurement_that_hangs_ends_by_the_limit) {
    const auto result = in_child(100ms, []() -> Result<double> {
        while (true) ::pause();
    });
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().kind, ErrorKind::timeout);
}

}  // namespace
}  // namespace understudy::bench
