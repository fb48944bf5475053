// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/requirements.hpp"

#include <gtest/gtest.h>

namespace understudy::vmctl {
namespace {

TEST(Requirements, each_is_named_and_one_that_is_not_met_says_what_to_do) {
    const auto requirements = check_requirements();
    EXPECT_EQ(requirements.size(), 6U);
    for (const Requirement& requirement : requirements) {
        EXPECT_FALSE(requirement.name.empty());
        EXPECT_FALSE(requirement.detail.empty()) << requirement.name;
        EXPECT_EQ(requirement.ok, requirement.remedy.empty())
            << requirement.name << ": " << requirement.detail;
        std::printf("%-14s %s %s; %s\n", requirement.name.c_str(), requirement.ok ? "ok " : "NOT",
                    requirement.detail.c_str(), requirement.remedy.c_str());
    }
}

}  // namespace
}  // namespace understudy::vmctl
