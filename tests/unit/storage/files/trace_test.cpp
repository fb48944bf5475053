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

namespace understudy::files {
namespace {

std::vector<std::filesystem::path> trace_files() {
    const char* source = std::getenv("UNDERSTUDY_SOURCE_DIR");
    std::vector<std::filesystem::path> files;
    if (source == nullptr) return files;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(source) /
                                                                 "tests/unit/storage/files/traces"))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

TEST(SessionTraces, answers_every_golden_trace_as_written) {
    if (std::getenv("UNDERSTUDY_SOURCE_DIR") == nullptr)
        GTEST_SKIP() << "UNDERSTUDY_SOURCE_DIR is not set: run by ctest";
    const auto files = trace_files();
    EXPECT_GE(files.size(), 12U);
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

TEST(SessionTraces, a_changed_expectation_is_noticed) {
    const std::string trace = "at 0s attach a#1\n";
    EXPECT_EQ(run_trace(trace + "  -> 0s b opened\n"), trace + "  -> 0s a opened\n");
}

}  // namespace
}  // namespace understudy::files
