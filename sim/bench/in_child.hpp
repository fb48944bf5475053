// SPDX-License-Identifier: Apache-2.0
// A measurement in a process of its own: one that hangs (on a mount whose server is silent) ends by a limit.
#pragma once

#include <functional>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::bench {

// body's result, from a forked child. After `limit` the child is killed, and the Error is of kind timeout; a
// child that can't be killed yet is left to the sandbox.
Result<double> in_child(Duration limit, const std::function<Result<double>()>& body);

}  // namespace understudy::bench
