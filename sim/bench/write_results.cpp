// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/write_results.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "sim/bench/peers.hpp"

namespace understudy::bench {

Result<void> write_results(const Results& results, const std::string& folder, const std::string& name,
                           const std::string& title) {
    std::error_code ignored;  // write_file() says what is wrong
    std::filesystem::create_directories(folder, ignored);
    const std::string file = (std::filesystem::path(folder) / name).string();
    UNDERSTUDY_TRY(const auto json, write_file(file + ".json", to_json(results)));
    UNDERSTUDY_TRY(const auto svg, write_file(file + ".svg", to_svg(results, title)));
    return {};
}

Result<void> conclude(const Results& results, const std::vector<Aim>& aims, const std::string& folder,
                      const std::string& name, const std::string& title) {
    fmt::print("\n{}", to_text(results, aims));
    UNDERSTUDY_CHECK(write_results(results, folder, name, title));
    fmt::print("\nwritten: {0}/{1}.json, {0}/{1}.svg\n", folder, name);
    return {};
}

}  // namespace understudy::bench
