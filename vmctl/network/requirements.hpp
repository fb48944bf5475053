// SPDX-License-Identifier: Apache-2.0
// What the machine must permit and have for regions to run, tried out one by one: each in a throw-away
// sandbox or by opening the device, so that the answer is the kernel's and not a guess from settings.
#pragma once

#include <string>
#include <vector>

namespace understudy::vmctl {

struct Requirement {
    std::string name;  // "namespaces", "/dev/net/tun", "/dev/fuse", "nftables", "ip_forward", "dnsmasq"
    bool ok = false;
    std::string detail;  // what was found, or why not
    std::string remedy;  // the command that fixes it; empty when ok
};

// Takes some tens of milliseconds. Leaves nothing behind. Threads: as start_sandbox().
std::vector<Requirement> check_requirements();

}  // namespace understudy::vmctl
