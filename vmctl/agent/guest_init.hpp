// SPDX-License-Identifier: Apache-2.0
// What process 1 of a VM does before all else: the kernel's file systems, the kernel modules that the image
// lists in order of insertion (/etc/understudy/modules), and finding the virtio-serial port of the agent's
// channel.
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

// What fails is said on the console; the guest goes on with what it has.
void initialise_guest();

// The device of the port with this name: "/dev/vport0p1". Waits for at most 5 s for it to appear.
Result<std::string> find_virtio_port(const std::string& name);

[[noreturn]] void power_off_guest();

}  // namespace understudy::vmctl
