// SPDX-License-Identifier: Apache-2.0
// The peer of a region's start: the same kernel and first root file system booted by QEMU alone, without
// libvirt, network or anything to do, until process 1 speaks on its virtio-serial port. Several side by side.
// Blocking.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/lab/supervisor.hpp"

namespace understudy::bench {

// From the start of the first QEMU until the last guest has spoken. The guests are killed before it returns.
Result<Duration> boot_bare(const lab::GuestSupport& guest, int count, std::uint64_t memory_bytes,
                           const std::string& scratch_folder, Duration limit);

}  // namespace understudy::bench
