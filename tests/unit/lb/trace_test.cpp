// SPDX-License-Identifier: Apache-2.0
// Golden traces, one file for each rule. UNDERSTUDY_REWRITE_TRACES=1 writes what the machine answers into the
// files; read the difference before it is committed.
#include "trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace understudy::lb {
namespace {

std::vector<std::filesystem::path> trace_files() {
    const char* source = std::getenv("UNDERSTUDY_SOURCE_DIR");
    std::vector<std::filesystem::path> files;
    if (source == nullptr) return files;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(source) / "tests/unit/lb/traces"))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

TEST(LoadBalancerTraces, answers_every_golden_trace_as_written) {
    if (std::getenv("UNDERSTUDY_SOURCE_DIR") == nullptr)
        GTEST_SKIP() << "UNDERSTUDY_SOURCE_DIR is not set: run by ctest";
    const auto files = trace_files();
    EXPECT_GE(files.size(), 7U);
    for (const auto& path : files) {
        SCOPED_TRACE(path.filename().string());
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        const std::string answered = run_trace(text.str());
        if (std::getenv("UNDERSTUDY_REWRITE_TRACES") != nullptr)
            std::ofstream(path) << answered;
        else {
            EXPECT_EQ(text.str(), answered);
        }
    }
}

TEST(LoadBalancerTraces, a_changed_expectation_is_noticed) {
    const std::string trace =
        "hosts a\nprobe p interval 5s timeout 5s threshold 2\nrule r probe p\nuntil 0s\n";
    EXPECT_EQ(run_trace(trace + "  -> 0s start b/p limit 5s\n"), trace + "  -> 0s start a/p limit 5s\n");
}

}  // namespace
}  // namespace understudy::lb
