// SPDX-License-Identifier: Apache-2.0
// The configuration of a load balancer. What is accepted is written and read again as the same; what is
// refused is bad input, with a place.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lb/config.hpp"

using namespace understudy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 16'384) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto tree = config::parse_text(text, "fuzz.yaml");
    if (tree.has_error()) {
        if (tree.error().kind != ErrorKind::bad_input) std::abort();
        return 0;
    }
    const auto config = lb::config_from_tree(*tree);
    if (config.has_error()) {
        if (config.error().kind != ErrorKind::bad_input) std::abort();
        if (config.error().message().find("fuzz.yaml:") == std::string::npos) std::abort();
        return 0;
    }
    const auto written = config::parse_text(lb::to_yaml(*config), "written.yaml");
    if (written.has_error()) std::abort();
    const auto again = lb::config_from_tree(*written);
    if (again.has_error() || !(*again == *config)) std::abort();
    return 0;
}
