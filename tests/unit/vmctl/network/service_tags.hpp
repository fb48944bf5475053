// SPDX-License-Identifier: Apache-2.0
// The addresses behind the service tags, as the tests of security groups have them.
#pragma once

#include "vmctl/network/core/security_group.hpp"

namespace understudy::vmctl {

inline const ServiceTags tags{parse_network("192.0.2.0/24").value(), parse_address("168.63.129.16").value()};

}  // namespace understudy::vmctl
