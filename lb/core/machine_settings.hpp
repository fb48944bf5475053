// SPDX-License-Identifier: Apache-2.0
// What LoadBalancerMachine is told by the configuration. Pure values; places in the lists are those of the
// configuration.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "lb/core/backend_pool.hpp"
#include "lb/core/distribution.hpp"
#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

struct MachineSettings {
    struct Backend {
        std::string host;  // unique
        Ipv4Address address;
        bool enabled = true;
    };
    struct Probe {
        std::string name;    // unique
        std::string target;  // what is asked of a backend: "http 10004 /status"
        ProbeTiming timing;
        NoHealthyBackends no_healthy_backends = NoHealthyBackends::all_down;
    };
    struct Rule {
        std::string name;  // unique
        std::size_t probe = 0;
        Distribution distribution = Distribution::five_tuple;
        bool udp = false;
    };
    std::vector<Backend> backends;
    std::vector<Probe> probes;
    std::vector<Rule> rules;
    bool end_on_backend_down = false;  // established flows end with their backend
    bool end_when_all_down = false;    // they all end when every backend is down
    Duration drain_timeout = 5min;
};

}  // namespace understudy::lb
