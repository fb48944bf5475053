// SPDX-License-Identifier: Apache-2.0
// One program run to its end, without a shell.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::vmctl {

struct ProgramResult {
    int status = 0;      // exit status; 128 + signal when a signal ended it
    std::string output;  // standard output and error as they come, at most 1 MiB
};

// Runs `arguments[0]` (a path, or a name looked up in PATH) with empty standard input.
// Past `limit` it is killed with SIGKILL and the answer is a timeout Error; a process that does not die even
// so is left behind after another half second. Error kind environment when it can't be started.
Result<ProgramResult> run_program(const std::vector<std::string>& arguments, Duration limit);

}  // namespace understudy::vmctl
