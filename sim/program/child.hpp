// SPDX-License-Identifier: Apache-2.0
// The one child of understudy-run. It dies with its parent (PR_SET_PDEATHSIG), so that killing the unit kills
// the program, and it gets what the parent has: environment, streams, the events pipe and the working
// directory. It stays in the parent's process group, which the host's agent ends as a whole when the unit has
// ended. One thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::program {

struct Child {
    pid_t pid = -1;
    io::UniqueFd pidfd;  // readable once it has ended
};

// Error kind environment: the command's name and why it can't be executed.
Result<Child> start_child(const std::vector<std::string>& command);

// Gone already is success.
void signal_child(const Child& child, int signal);

// After it has ended: its exit status, or 128 + the signal that ended it.
int reap_child(const Child& child);

}  // namespace understudy::program
