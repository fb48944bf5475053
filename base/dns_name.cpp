// SPDX-License-Identifier: Apache-2.0
#include "base/dns_name.hpp"

#include <cstddef>

namespace understudy {

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    std::size_t label = 0;
    char previous = '.';
    for (const char c : name) {
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '.' ? (previous == '.' || previous == '-')
                     : !(alphanumeric || (c == '-' && previous != '.')))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63) return false;
        previous = c;
    }
    return previous != '.' && previous != '-';
}

}  // namespace understudy
