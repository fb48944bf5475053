// SPDX-License-Identifier: Apache-2.0
// Whether guests can be run by the processor. Decided by booting one: there are machines where /dev/kvm opens
// and KVM_CREATE_VM succeeds, yet a guest hangs in its first instructions with all time spent in the kernel.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "vmctl/image/accelerator_kind.hpp"

namespace understudy::vmctl {

struct Accelerator {
    AcceleratorKind kind = AcceleratorKind::tcg;
    std::string reason;  // "kvm: probe guest did not answer within 2s"
    bool from_cache = false;
};

constexpr Duration default_probe_limit = 2s;

// kvm if a probe guest under it said so within `limit`, else tcg with the reason. The answer is kept in
// `cache_dir` for this boot of the machine and this QEMU; a closed /dev/kvm is looked at anew each time.
// Returns within `limit` plus a second. Environment error when QEMU isn't installed or `cache_dir` can't be
// written.
Result<Accelerator> proven_accelerator(const std::filesystem::path& cache_dir, Duration limit);

// Boots the probe guest: QEMU's q35 machine with its firmware and a kernel of a dozen bytes, entered by PVH,
// that tells QEMU to exit with a number of ours. A guest that hangs is killed, and left behind should it not
// die of it.
Result<void> boot_probe_guest(AcceleratorKind kind, const std::filesystem::path& cache_dir, Duration limit);

// Where qemu-system-x86_64 is, or an environment error with the remedy.
Result<std::filesystem::path> find_qemu();

}  // namespace understudy::vmctl
