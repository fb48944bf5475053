// SPDX-License-Identifier: Apache-2.0
#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace understudy {

void invariant_broken(const char* condition, const char* what, const char* file, int line) noexcept {
    std::fprintf(stderr, "understudy: invariant broken: %s (%s) at %s:%d\n", what, condition, file, line);
    std::abort();
}

}  // namespace understudy
