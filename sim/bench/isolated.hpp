// SPDX-License-Identifier: Apache-2.0
// A bench in a sandbox of its own: all that it starts and mounts is gone when it ends, however it ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

// Runs `body` as the first process of a sandbox (vmctl/network/sandbox.hpp) in which `keep_paths` stay
// visible, and waits for it. An Error of body is printed and comes back as one of the same kind that says so;
// `hint` says where more is to be found. An interrupt (base/io/interrupt.hpp) ends it at once, and so does
// the end of the calling process. Call it from a process with one thread.
Result<void> run_isolated(const std::string& name, const std::vector<std::string>& keep_paths,
                          const std::string& hint, const std::function<Result<void>()>& body);

}  // namespace understudy::bench
