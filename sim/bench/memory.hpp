// SPDX-License-Identifier: Apache-2.0
// VmRSS of a process, in MiB; pages that it shares count in full. 0 for a process that is gone.
#pragma once

#include <sys/types.h>

namespace understudy::bench {

double resident_mib(pid_t pid);

}  // namespace understudy::bench
