// SPDX-License-Identifier: Apache-2.0
// The processes of one PID namespace, found by its inode in /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.hpp"

namespace understudy::vmctl {

// The inode of the PID namespace of a process, or 0 when it is gone.
std::uint64_t pid_namespace_of(pid_t pid);

// Every process in that namespace, by its id out here.
std::vector<pid_t> processes_in(std::uint64_t pid_namespace);

// Sends SIGSTOP until every one of them is stopped or a zombie; subject names what is frozen.
Result<void> stop_all(std::uint64_t pid_namespace);

void continue_all(std::uint64_t pid_namespace);

}  // namespace understudy::vmctl
