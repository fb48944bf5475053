// SPDX-License-Identifier: Apache-2.0
// Starting programs for the agent: in a session of their own, with default signals, no descriptors but those
// said here. Threads: the agent has one, so it may fork.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::vmctl {

struct ChildRequest {
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;  // added to the agent's own
    std::string working_directory;
};

// A unit's process: stdout and stderr in one pipe, events in another (descriptor 3, UNDERSTUDY_EVENTS_FD).
struct UnitProcess {
    pid_t pid = -1;
    io::UniqueFd output;
    io::UniqueFd events;
};
Result<UnitProcess> spawn_unit(const ChildRequest& request);

// A command's process: three pipes, or one terminal that is all three.
struct ExecProcess {
    pid_t pid = -1;
    io::UniqueFd input;
    io::UniqueFd output;  // a terminal: reads and writes
    io::UniqueFd error;   // not with a terminal
    bool tty = false;
};
Result<ExecProcess> spawn_exec(const ChildRequest& request, bool tty, int rows, int columns);

// Reads what a non-blocking descriptor has, at most a chunk of the channel; false at its end.
bool read_some(int descriptor, std::string& into);

void resize_terminal(int descriptor, int rows, int columns);

}  // namespace understudy::vmctl
