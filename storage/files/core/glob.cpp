// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/glob.hpp"

#include <cstddef>

namespace understudy::files {

bool matches_glob(std::string_view pattern, std::string_view path) {
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    if (path.starts_with('/')) path.remove_prefix(1);
    std::size_t p = 0, t = 0;
    std::size_t star = std::string_view::npos,
                resumed = 0;  // the last '*', and where what follows it was tried
    while (t < path.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resumed = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == path[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resumed;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace understudy::files
