// SPDX-License-Identifier: Apache-2.0
#include "golden_traces.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace understudy::test {

void replay_trace(const std::string& text, std::string& out,
                  const std::function<void(const std::string& line)>& command) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("  ->")) continue;
        out += line + "\n";
        if (!line.empty() && line.front() != '#') command(line);
    }
}

void check_golden_traces(const std::string& folder, std::size_t least,
                         const std::function<std::string(const std::string& text)>& run) {
    const char* source = std::getenv("UNDERSTUDY_SOURCE_DIR");
    if (source == nullptr) GTEST_SKIP() << "UNDERSTUDY_SOURCE_DIR is not set: run by ctest";
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(source) / folder))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    EXPECT_GE(files.size(), least);
    for (const auto& path : files) {
        SCOPED_TRACE(path.filename().string());
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        const std::string answered = run(text.str());
        if (std::getenv("UNDERSTUDY_REWRITE_TRACES") != nullptr)
            std::ofstream(path) << answered;
        else {
            EXPECT_EQ(text.str(), answered);
        }
    }
}

}  // namespace understudy::test
