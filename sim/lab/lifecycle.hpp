// SPDX-License-Identifier: Apache-2.0
// Bringing a region up and taking it down, from outside: what `up`, `down` and `test` do. Blocking; one
// thread; no other threads may run in the calling process while bring_up() forks the supervisor.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::lab {

struct BringUpOptions {
    topology::Topology topology;
    std::string name;  // of the region
    topology::HostWorld world = topology::HostWorld::vm;
    Duration timeout{};
};

// What bring_up() is doing, for whoever waits: a line for people, and the region's status once there is one.
using ProgressListener = std::function<void(const std::string& line, const json::object* status)>;

// Prepares what the world needs (guest image, accelerator), starts the supervisor and waits until the region
// is ready: every host runs, each node has an active host, and each client's first payment was acknowledged.
// On failure or when the time is over (ErrorKind::timeout) everything is taken down again and the Error says
// what was waited for.
Result<void> bring_up(const BringUpOptions& options, const ProgressListener& progress);

// Ends a region and removes its folder. A supervisor that does not end in order within 10 s is killed, and
// with it everything else. A dead region's folder is removed; a name without a folder is an Error.
Result<void> take_down(const std::string& name);

// The folder of this executable: the region's other programs are beside it.
std::filesystem::path program_directory();

}  // namespace understudy::lab
