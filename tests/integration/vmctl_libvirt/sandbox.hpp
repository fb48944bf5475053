// SPDX-License-Identifier: Apache-2.0
// The namespaces that the tests of this program run in, made before any of them starts (sandbox_main.cpp).
#pragma once

#include <string>

namespace understudy::vmctl {

// Why there are none, in words; empty when the tests run in namespaces of their own.
const std::string& sandbox_failure();

// A tap in the sandbox's network namespace, up; empty when /dev/net/tun is closed to the user.
const std::string& tap_device();

}  // namespace understudy::vmctl
