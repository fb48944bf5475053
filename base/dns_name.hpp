// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace understudy {

// Rule: RFC 1123, section 2.1: letters, digits and hyphens, not at an end, 63 at most; 253 in all. Dots part
// labels.
bool is_dns_name(std::string_view name);

}  // namespace understudy
