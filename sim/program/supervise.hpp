// SPDX-License-Identifier: Apache-2.0
// Runs a program that knows nothing of Understudy and reports for it, as a node does for itself: `starting`
// when it is started; with an active port `active` each time something begins to listen there and
// `stopped` when that ends; without one `ready` at once. The signals INT, TERM, HUP, USR1 and USR2 go on to
// the program. The port is looked at every 50 ms. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/io/event_writer.hpp"
#include "base/result.hpp"

namespace understudy::program {

struct Supervision {
    std::vector<std::string> command;
    std::optional<std::uint16_t> active_port;
    std::string directory;  // to work in, made when missing; empty: where the caller is
};

// Blocks until the program has ended. Result: its exit status, 128 + the signal that ended it. Error: it
// could not be started.
Result<int> supervise(const Supervision& supervision, io::EventWriter& events);

}  // namespace understudy::program
