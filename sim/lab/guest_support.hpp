// SPDX-License-Identifier: Apache-2.0
// What the world `vm` needs before it can start: an accelerator that a boot has proven, and the guest's
// kernel and image.
#pragma once

#include "sim/lab/lifecycle.hpp"
#include "sim/lab/supervisor.hpp"

namespace understudy::lab {

// Both come from the cache when nothing has changed. Errors of kind environment name what is missing and its
// remedy.
Result<GuestSupport> prepare_guest(const topology::Topology& topology, const ProgressListener& progress);

// Folders where the guest's kernel package may be, best first: $UNDERSTUDY_GUEST_KERNEL, beside the programs,
// the system.
std::vector<std::filesystem::path> kernel_candidates();

}  // namespace understudy::lab
