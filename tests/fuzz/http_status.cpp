// SPDX-License-Identifier: Apache-2.0
// The first line of a probed backend's answer. A code that is accepted has three digits and stands where the
// rule says.
#include "lb/core/http_status.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace understudy::lb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line(reinterpret_cast<const char*>(data), size);
    const auto status = parse_status_line(line);
    if (status.has_error()) {
        if (status.error().message().empty()) std::abort();
        return 0;
    }
    if (*status < 100 || *status > 999) std::abort();
    if (!line.starts_with("HTTP/1.") || line.find(' ' + std::to_string(*status)) == std::string::npos)
        std::abort();
    return 0;
}
