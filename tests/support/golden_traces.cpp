// SPDX-License-Identifier: Apache-2.0
#include "tests/support/golden_traces.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"

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
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(source_directory() / folder))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    EXPECT_GE(files.size(), least);
    for (const auto& path : files) {
        SCOPED_TRACE(path.filename().string());
        const std::string text = content_of(path);
        const std::string answered = run(text);
        if (std::getenv("UNDERSTUDY_REWRITE_TRACES") != nullptr)
            std::ofstream(path) << answered;
        else {
            EXPECT_EQ(text, answered);
        }
    }
}

}  // namespace understudy::test
