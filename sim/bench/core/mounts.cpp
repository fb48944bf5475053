// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/mounts.hpp"

#include <sstream>

namespace understudy::bench {

std::string mounted_type(std::string_view mountinfo, std::string_view place) {
    std::istringstream lines{std::string(mountinfo)};
    std::string type;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string field;
        for (int number = 0; number < 5 && fields >> field; ++number) continue;
        if (field != place) continue;
        while (fields >> field && field != "-") continue;
        fields >> type;
    }
    return type;
}

}  // namespace understudy::bench
