// SPDX-License-Identifier: Apache-2.0
// The private root of a pod, made by the launcher in the pod's new mount namespace (see pod.hpp for what is
// in it).
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::vmctl {

struct RootBind {
    std::string source;
    std::string target;
    bool read_only = true;
};

// Builds the root and makes it "/"; the old one is gone. Call as PID 1 of the pod, before anything else runs.
Result<void> enter_pod_root(const std::vector<RootBind>& binds);

}  // namespace understudy::vmctl
