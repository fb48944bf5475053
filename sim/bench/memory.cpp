// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/memory.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace understudy::bench {

double resident_mib(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        long kib = 0;
        if (std::sscanf(line.c_str(), "VmRSS: %ld", &kib) == 1) return static_cast<double>(kib) / 1024;
    }
    return 0;
}

}  // namespace understudy::bench
