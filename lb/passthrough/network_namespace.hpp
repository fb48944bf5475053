// SPDX-License-Identifier: Apache-2.0
// Runs work inside another network namespace. A socket belongs for ever to the namespace it was made in: so
// it is enough to make sockets there, once, and the calling thread never leaves its own. And what a namespace
// must be set to for the data path.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "lb/config.hpp"

namespace understudy::lb {

// `path` is a file of the namespace (/run/netns/NAME, /proc/PID/ns/net); empty: the caller's own. `work` runs
// on another thread, while the caller waits. Error kind environment where the namespace can't be entered,
// bad_input where there is no such file; otherwise what `work` returns.
Result<void> in_network_namespace(const std::string& path, const std::function<Result<void>()>& work);

// Whether the calling thread's network namespace forwards and, where a rule resets, tells flows that are gone
// from broken ones. Error kind environment, with the sysctl to set. A setting that can't be read is left to
// its default.
Result<void> check_namespace(const Config& config);

}  // namespace understudy::lb
