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

std::filesystem::path source_directory();                // from UNDERSTUDY_SOURCE_DIR
std::filesystem::path program(const std::string& name);  // build/bin/NAME, from UNDERSTUDY_BIN_DIR

// A folder of its own below the system's temporary folder, removed at the end.
class ScratchDirectory {
  public:
    ScratchDirectory();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace understudy::test
