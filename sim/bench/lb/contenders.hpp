// SPDX-License-Identifier: Apache-2.0
// The balancers of the bench, all running at once, each on a host and address of its own, all in front of the
// same backend; and the backend itself without one. Peers are configured as their manuals advise for plain
// TCP: HAProxy with one thread and splice, nginx with one worker. A peer that isn't installed is an error of
// kind environment with the package's name.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "sim/bench/rig.hpp"

namespace understudy::bench {

struct Contender {
    std::string name;     // "routed", "passthrough", "proxy", "haproxy", "nginx"
    Ipv4Address address;  // to connect to
    pid_t process = -1;   // whose memory counts; -1: none
};

struct ContenderOptions {
    std::vector<std::string> names;  // which of them
    std::string programs;            // folder of understudy-lb
    std::string peers;               // folder into which the peers' packages were unpacked, if they were
    std::string folder;              // takes configurations and logs
    int connections = 0;             // each allows so many at once, and a few more
};

const std::vector<std::string>& contender_names();

// Starts them; each serves when this returns.
Result<std::vector<Contender>> start_contenders(Rig& rig, const ContenderOptions& options);

// Waits until `target` answers, seen from `host`. Error: the log's last line.
Result<void> wait_until_it_answers(const Rig& rig, const std::string& host, Endpoint target,
                                   const std::string& log);

constexpr const char* backend_address = "192.0.2.11";

}  // namespace understudy::bench
