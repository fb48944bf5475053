// SPDX-License-Identifier: Apache-2.0
// Waits for a condition, asking every 5 ms; false when the limit passed first. The limit is against hangs:
// what has a time of its own to keep takes it from a bound.
#pragma once

#include <chrono>
#include <functional>

namespace understudy::test {

bool eventually(const std::function<bool()>& condition,
                std::chrono::nanoseconds limit = std::chrono::minutes(1));

}  // namespace understudy::test
