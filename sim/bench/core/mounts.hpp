// SPDX-License-Identifier: Apache-2.0
// What the kernel's tables of file systems say (proc(5)).
#pragma once

#include <string>
#include <string_view>

namespace understudy::bench {

// Whether /proc/filesystems lists this type.
bool lists_filesystem(std::string_view filesystems, std::string_view type);

// The type of the file system mounted last at this place, by /proc/self/mountinfo; "" where none is. `place`
// must have no character that the table escapes: no space, tab, line feed or backslash.
std::string mounted_type(std::string_view mountinfo, std::string_view place);

}  // namespace understudy::bench
