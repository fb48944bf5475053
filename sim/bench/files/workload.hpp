// SPDX-License-Identifier: Apache-2.0
// What the bench of file services asks of a mounted folder, each by one thread with plain system calls. Every
// 4 KiB block that is written says which it is, and what is read is checked. A file is opened anew for each
// measure and its pages are dropped from the client's cache first; the time counts until close() has
// returned, so that what a client holds back is counted too.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/bench/core/metric.hpp"

namespace understudy::bench {

struct Place {
    std::string folder;        // as the client sees it
    std::string other_folder;  // the same, as a second host sees it
    int megabytes = 0;         // of the sequential file
    int files = 0;             // small ones
};

struct Workload {
    Metric metric;
    Result<double> (*run)(const Place&);
};

// In the order in which they are to run: some leave what the next needs. Each makes what it needs where it is
// missing.
const std::vector<Workload>& workloads();

// Whether a lock that one host holds keeps the other host out: anything else is no lock of a share.
Result<void> locks_exclude_hosts(const Place& place);

// Removes what the workloads left.
Result<void> clear(const Place& place);

}  // namespace understudy::bench
