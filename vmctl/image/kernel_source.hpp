// SPDX-License-Identifier: Apache-2.0
// Where the guests' kernel comes from: the tree of a kernel package, unpacked or installed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::vmctl {

struct KernelSource {
    std::string version;            // "6.1.0-56-cloud-amd64"
    std::filesystem::path image;    // boot/vmlinuz-VERSION
    std::filesystem::path modules;  // lib/modules/VERSION
};

// The newest kernel, with its modules, of the first candidate that has a readable one. A candidate is a
// directory with boot/ and lib/modules (or usr/lib/modules) in it: an unpacked package, or "/". Error:
// environment, with what was wrong with each candidate and the remedy.
Result<KernelSource> find_kernel(const std::vector<std::filesystem::path>& candidates);

}  // namespace understudy::vmctl
