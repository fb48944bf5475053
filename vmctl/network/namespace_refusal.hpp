// SPDX-License-Identifier: Apache-2.0
// Why the kernel refused a step of making a sandbox or a pod, and what to do: reads the settings that are
// known to forbid namespaces (sysctls of Debian and Ubuntu, limits, a container's seccomp filter or missing
// capability).
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

// `step` in words ("a new user namespace"), errno of the refusal. Kind environment.
Error namespace_refusal(const std::string& step, int errno_value);

}  // namespace understudy::vmctl
