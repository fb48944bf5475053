// SPDX-License-Identifier: Apache-2.0
// How long a region takes from `up` to its first payment in both live worlds, beside bare QEMU boots of the
// same kernel in the same run, and how much memory its parts hold. A bare boot ends when process 1 speaks; a
// region has a database, a share, a lease and a payment to do after that.
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::bench {

struct UpBenchOptions {
    std::string topology = "topologies/corda-ha-fast.yaml";  // a file
    std::string folder;                                      // for the results
    int rounds = 5;
};

Result<void> bench_up(const UpBenchOptions& options);

}  // namespace understudy::bench
