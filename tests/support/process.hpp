// SPDX-License-Identifier: Apache-2.0
// Runs a program in a test: arguments without a shell, output captured, a time limit after which it is killed
// and the test fails with what it had printed. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace understudy::test {

struct Outcome {
    int status = -1;  // exit status, or 128 + the signal that ended it
    std::string out;
    std::string err;
    bool timed_out = false;
};

struct RunOptions {
    std::chrono::milliseconds limit{60'000};
    std::map<std::string, std::string> environment;  // added to the test's own
    std::filesystem::path working_directory;         // empty: the source folder
};

Outcome run(const std::vector<std::string>& argv, const RunOptions& options = {});

}  // namespace understudy::test
