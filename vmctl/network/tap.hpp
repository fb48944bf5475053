// SPDX-License-Identifier: Apache-2.0
// Makes a persistent tap interface in the network namespace of the calling thread, ready for a virtio NIC
// (with vnet headers) and owned by the calling user, so that QEMU may attach without privilege.
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

// Error kind environment when /dev/net/tun is missing or closed to the user.
Result<void> create_tap(const std::string& name);

}  // namespace understudy::vmctl
