// SPDX-License-Identifier: Apache-2.0
// Runs one PostgreSQL server and speaks for it as a service of ours does: `ready` once a client could log in
// over the address. SIGTERM and SIGINT become PostgreSQL's fast shutdown (SIGINT), which ends sessions and
// writes a checkpoint; when this process is killed, so is the server. Its log goes to this process's stderr.
// One thread.
#pragma once

#include "base/io/event_writer.hpp"
#include "base/result.hpp"
#include "sim/postgresql/config.hpp"

namespace understudy::postgresql {

// Blocks until the server has ended. Result: its exit status, 128 + the signal that ended it. Error: it could
// not be started, or refused what its accounts need.
Result<int> serve(const Config& config, io::EventWriter& events);

}  // namespace understudy::postgresql
