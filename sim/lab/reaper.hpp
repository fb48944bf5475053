// SPDX-License-Identifier: Apache-2.0
// Process 1 inherits the sandbox's orphans and must reap them, but must leave to others the children that
// they wait for (the hypervisor's helpers, pods). Who is still a zombie after `grace` has nobody waiting for
// it. An emulator always is an orphan, since it becomes a daemon, and libvirt takes it to be alive until it
// is reaped.
#pragma once

#include <sys/types.h>

#include <map>

#include "base/time.hpp"

namespace understudy::lab {

class Reaper {
  public:
    void reap(Instant now);

  private:
    static constexpr Duration grace = 3s;
    static constexpr Duration emulator_grace = 80ms;
    std::map<pid_t, Instant> first_seen_;
};

}  // namespace understudy::lab
