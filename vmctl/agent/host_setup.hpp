// SPDX-License-Identifier: Apache-2.0
// Makes a host what its configuration says: name, files, interface. Plain system calls, since the agent
// starts in an otherwise empty guest. The interface takes the routed /32 form: each address as a /32, the
// gateway on-link, the default route through it. Rule: netdevice(7).
#pragma once

#include "base/result.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

// Blocks for at most 5 s, until the interface has appeared.
Result<void> set_host_up(const HostConfig& config);

}  // namespace understudy::vmctl
