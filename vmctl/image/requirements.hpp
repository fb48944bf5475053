// SPDX-License-Identifier: Apache-2.0
// What virtual machines need of this machine, for `understudy doctor`: all of it at once, each with its
// remedy.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vmctl/core/requirement.hpp"

namespace understudy::vmctl {

struct VmRequirementsInput {
    std::vector<std::filesystem::path> kernel_candidates;  // see find_kernel()
    std::filesystem::path busybox;
    std::filesystem::path cache_dir;  // for the accelerator's answer
};

// QEMU, libvirt's QEMU driver, its user (as root), the guest kernel, busybox, the accelerator (ok under TCG
// too: slower). May take some three seconds the first time: the accelerator is proven by booting.
std::vector<Requirement> vm_requirements(const VmRequirementsInput& input);

}  // namespace understudy::vmctl
