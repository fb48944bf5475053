// SPDX-License-Identifier: Apache-2.0
// `understudy-node client`: pays at a set rate through a name, one connection an attempt, and writes every
// attempt down, as an event and as a line of its record file. Configuration: name, rpc ("host:port"), from,
// to, rate (payments a second), record (file); optional timeout (2s), retry_interval (500ms), max_outstanding
// (50), drain_timeout (5s), amount (1). Returns the exit status: 0 also when payments stay unacknowledged,
// the record tells. A record line:
// {"payment","outcome":"acknowledged"|"failed","reason","try","wall_ms","latency_us"}.
#pragma once

#include <string>

namespace understudy::node {

int run_client(const std::string& config_path);

}  // namespace understudy::node
