// SPDX-License-Identifier: Apache-2.0
// Path patterns of faults. '*' stands for any characters, '/' among them, '?' for one; everything else for
// itself. Both are taken without a leading '/', so the share's root is "". Time: at most pattern times path.
#pragma once

#include <string_view>

namespace understudy::files {

bool matches_glob(std::string_view pattern, std::string_view path);

}  // namespace understudy::files
