// SPDX-License-Identifier: Apache-2.0
// What carries a host: a libvirt domain or a pod. Host (host.hpp) is the only one that changes a machine's
// state, one call at a time. Calls marked [loop] are quick and use the fabric: they belong to the region's
// loop. Calls marked [pool] may block, a VM's for as long as the hypervisor's limits say (20 s), and run on
// another thread meanwhile.
#pragma once

#include <cstdint>
#include <functional>

#include "base/io/process_memory.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::lab {

class Machine {
  public:
    virtual ~Machine() = default;

    // Power on: these three in order. start() gives the stream to the host's agent.
    virtual Result<void> plug_before_start() = 0;  // [loop]
    virtual Result<io::UniqueFd> start() = 0;      // [pool]
    virtual Result<void> plug_after_start() = 0;   // [loop]

    // Power off: these two in order, so that nothing a dying kernel says gets out. Off already is success.
    virtual Result<void> unplug() = 0;  // [loop]
    virtual Result<void> stop() = 0;    // [pool]

    // A VM's reset line restarts it in place: its stream to the agent goes on. A pod is stopped and started
    // instead.
    virtual bool resets_in_place() const = 0;
    virtual Result<void> reset_in_place() = 0;  // [pool]

    virtual Result<void> pause() = 0;   // [pool]
    virtual Result<void> resume() = 0;  // [pool]

    virtual io::ProcessMemory memory() const = 0;  // nothing when off
};

}  // namespace understudy::lab
