// SPDX-License-Identifier: Apache-2.0
// Golden traces, one file for each rule (golden_traces.hpp).
#include "trace.hpp"

#include <gtest/gtest.h>

#include "tests/support/golden_traces.hpp"

namespace understudy::files {
namespace {

TEST(SessionTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/storage/files/traces", 12, run_trace);
}

TEST(SessionTraces, a_changed_expectation_is_noticed) {
    const std::string trace = "at 0s attach a#1\n";
    EXPECT_EQ(run_trace(trace + "  -> 0s b opened\n"), trace + "  -> 0s a opened\n");
}

}  // namespace
}  // namespace understudy::files
