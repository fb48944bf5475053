// SPDX-License-Identifier: Apache-2.0
// Keeps the calling thread, and the threads that are made by it meanwhile, on the first processor that it may
// use; gives them the choice back at the end.
//
// Why: libvirt throws away what it learnt of QEMU, at 0.6 s, where the processor's CPUID is another than the
// one it saw then. libvirt 9 takes the leaf 0x1f (V2 extended topology, Intel SDM vol. 2A) into account,
// whose EDX is the number of the very processor that is asked: each processor of the machine has another
// answer.
#pragma once

#include <sched.h>

namespace understudy::vmctl {

class OnFirstProcessor {
  public:
    OnFirstProcessor();  // where the kernel refuses, the thread stays as it was
    ~OnFirstProcessor();
    OnFirstProcessor(const OnFirstProcessor&) = delete;
    OnFirstProcessor& operator=(const OnFirstProcessor&) = delete;

  private:
    bool moved_ = false;
    cpu_set_t before_{};
    cpu_set_t first_{};
};

}  // namespace understudy::vmctl
