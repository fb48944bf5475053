// SPDX-License-Identifier: Apache-2.0
// Something that a machine must have or permit for regions to run, as it was found.
#pragma once

#include <string>

namespace understudy::vmctl {

struct Requirement {
    std::string name;  // "namespaces", "/dev/fuse", "guest kernel" …
    bool ok = false;
    std::string detail;  // what was found, or what is wrong
    std::string remedy;  // the command that fixes it; empty when ok
};

}  // namespace understudy::vmctl
