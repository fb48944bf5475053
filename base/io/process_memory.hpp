// SPDX-License-Identifier: Apache-2.0
// A process's memory as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.hpp"

namespace understudy::io {

struct ProcessMemory {
    std::uint64_t resident_bytes = 0;      // VmRSS: every page mapped, shared ones in full
    std::uint64_t proportional_bytes = 0;  // Pss: shared pages divided among those that map them

    ProcessMemory& operator+=(const ProcessMemory& other) {
        resident_bytes += other.resident_bytes;
        proportional_bytes += other.proportional_bytes;
        return *this;
    }
};

// From /proc/PID (proc(5)). Where the kernel doesn't show another user's shares, the resident bytes stand for
// them. failed when there is no such process.
Result<ProcessMemory> process_memory(pid_t process);

}  // namespace understudy::io
