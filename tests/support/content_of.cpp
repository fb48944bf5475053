// SPDX-License-Identifier: Apache-2.0
#include "tests/support/content_of.hpp"

#include <fstream>
#include <sstream>

namespace understudy::test {

std::string content_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace understudy::test
