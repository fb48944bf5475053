// SPDX-License-Identifier: Apache-2.0
// How long a region takes from `up` to its first payment in both live worlds, beside bare QEMU boots of the
// same kernel in the same run, and how much memory its parts hold. A bare boot ends when process 1 speaks; a
// region has a database, a share, a lease and a payment to do after that.
#pragma once

#include <string>

#include "base/result.hpp"
#include "sim/bench/core/results.hpp"

namespace understudy::bench {

Result<Results> bench_up(const std::string& topology_file, int rounds);

}  // namespace understudy::bench
