// SPDX-License-Identifier: Apache-2.0
// A region's sandbox: one process, PID 1 of namespaces of its own. When it ends, however it ends, the kernel
// kills every process in its PID namespace, and with the last of them the interfaces and mounts are gone.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::vmctl {

struct SandboxOptions {
    std::string hostname = "understudy";
    // Absolute paths of directories that stay visible, and the same, though a fresh /run covers theirs.
    std::vector<std::string> keep_paths;
};

// Forks a child that runs `body` inside new mount, network, PID, IPC and UTS namespaces and, when the caller
// isn't root, a new user namespace: there the caller's user and group stand for themselves and the child has
// every capability, in the ambient set too, so that programs it executes have them. Returns the child's
// process id, as the caller sees it, once all is set up, or the Error (kind environment) of the step that was
// refused, with the remedy; then nothing is left running. The child ends with body's return value as exit
// status; an exception ends it with a signal.
//
// Inside: mounts are private; /proc shows the new PID namespace; /run is an empty tmpfs and XDG_RUNTIME_DIR a
// directory in it; the loopback interface is up; nothing else is in the network namespace.
//
// The child is the caller's own: the caller may wait for it. It outlives the caller, but shares its session,
// stdio and working directory until body changes them. As PID 1 it inherits orphans and must reap what it
// doesn't know (reap_orphans() or its own waitpid loop), and it ignores signals that it has no handler for.
//
// Threads: call it from a process with one thread, as for fork(). While it runs the caller is a child
// subreaper.
Result<pid_t> start_sandbox(const SandboxOptions& options, const std::function<int()>& body);

// Reaps every child that has ended, except those in `keep`, which their owners wait for. Doesn't block.
// For PID 1, on SIGCHLD.
void reap_orphans(const std::vector<pid_t>& keep);

}  // namespace understudy::vmctl
