// SPDX-License-Identifier: Apache-2.0
// Golden traces, one file for each rule (golden_traces.hpp).
#include "trace.hpp"

#include <gtest/gtest.h>

#include "tests/support/golden_traces.hpp"

namespace understudy::lb {
namespace {

TEST(LoadBalancerTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/lb/traces", 7, run_trace);
}

TEST(LoadBalancerTraces, a_changed_expectation_is_noticed) {
    const std::string trace =
        "hosts a\nprobe p interval 5s timeout 5s threshold 2\nrule r probe p\nuntil 0s\n";
    EXPECT_EQ(run_trace(trace + "  -> 0s start b/p limit 5s\n"), trace + "  -> 0s start a/p limit 5s\n");
}

}  // namespace
}  // namespace understudy::lb
