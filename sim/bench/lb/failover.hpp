// SPDX-License-Identifier: Apache-2.0
// How long a balancer goes on routing to a backend that has died without a word: from the cut of all its
// links to the first connection that another backend answers. The cut is a transaction of the kernel, which
// takes effect somewhere between the moment it is asked for and the moment it has returned: the time is
// counted from either. Each backend dies at a phase of its probe's interval of its own, drawn evenly from a
// fixed seed. New connections are tried every two milliseconds, all from one address under source-address
// distribution, so that each of them goes to the dead backend until the balancer knows better. The analytic
// bound: threshold × interval + timeout.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/bench/rig.hpp"

namespace understudy::bench {

struct FailoverTimes {
    // One for each kill.
    std::vector<double> since_in_force_ms;  // since the cut had returned
    std::vector<double> since_asked_ms;     // since the cut was asked for
    double bound_ms = 0;
};

// Starts two backends and a balancer of this data path ("passthrough", "proxy") on hosts of their own.
Result<FailoverTimes> measure_failover(Rig& rig, const std::string& data_path, int kills,
                                       const std::string& programs, const std::string& folder);

}  // namespace understudy::bench
