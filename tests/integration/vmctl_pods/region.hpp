// SPDX-License-Identifier: Apache-2.0
// What the tests share: run a body in a sandbox, with a fabric and pods that run shell commands.
#pragma once

#include <functional>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "vmctl/network/fabric.hpp"
#include "vmctl/pods/pod.hpp"

namespace understudy::vmctl {

// Runs `body` as process 1 of a sandbox. Its expectations print as usual; any that fails in there fails out
// here. Skips the test where the machine forbids namespaces.
void in_sandbox(const std::function<void()>& body);

FabricConfig test_config();
Ipv4Address address(const char* text);

// A pod whose process 1 is a shell that runs the commands it is told.
class ShellPod {
  public:
    static ShellPod start(const std::string& hostname, std::vector<PodBind> binds = {});

    // Runs the commands and returns what they print, then "[exit status]"; "[timeout]" after the limit.
    std::string run(const std::string& commands, int limit_ms = 15'000);

    // Attaches it and configures eth0 as an agent would.
    void attach(Fabric& fabric, const PortSpec& spec);

    Pod pod;
    io::UniqueFd channel;
};

}  // namespace understudy::vmctl
