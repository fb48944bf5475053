// SPDX-License-Identifier: Apache-2.0
#include "tests/support/eventually.hpp"

#include <thread>

namespace understudy::test {

bool eventually(const std::function<bool()>& condition, std::chrono::nanoseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace understudy::test
