// SPDX-License-Identifier: Apache-2.0
// What the kernel's table of mounts says (proc(5)).
#pragma once

#include <string>
#include <string_view>

namespace understudy::bench {

// The type of the file system mounted last at this place, by /proc/self/mountinfo; "" where none is. `place`
// must have no character that the table escapes: no space, tab, line feed or backslash.
std::string mounted_type(std::string_view mountinfo, std::string_view place);

}  // namespace understudy::bench
