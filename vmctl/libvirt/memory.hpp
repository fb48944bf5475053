// SPDX-License-Identifier: Apache-2.0
// A process's memory as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.hpp"

namespace understudy::vmctl {

struct ResidentMemory {
    std::uint64_t resident_bytes = 0;  // VmRSS: every page mapped, shared ones in full
    std::uint64_t proportional_bytes =
        0;  // Pss: shared pages (the kernel image of two guests) divided; 0 if hidden
};

// From /proc/PID. Error when there is no such process.
Result<ResidentMemory> resident_memory(pid_t process);

}  // namespace understudy::vmctl
