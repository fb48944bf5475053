// SPDX-License-Identifier: Apache-2.0
// The bench of the load balancer: both data paths beside the bare route, HAProxy and nginx, in one sandbox,
// in rounds taken in turn, in another order each time: answers a second over kept connections, new
// connections a second, bulk transfer, latency at a set rate, memory with many idle connections; then the
// time from a backend's death to the first connection routed elsewhere. Client and backend share one
// processor, the balancers have another.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

struct LbBenchOptions {
    int rounds = 25;
    int kills = 100;
    int idle_connections = 10'000;
    std::vector<std::string> contenders;  // "routed" is always among them
    std::string programs;                 // folder of understudy-lb
    std::string peers;                    // folder of the peers' unpacked packages
    std::string folder;                   // where lb.json, lb.svg and the logs go
};

// Prints the table. Runs in a sandbox of its own, which is gone when this returns.
Result<void> bench_lb(const LbBenchOptions& options);

}  // namespace understudy::bench
