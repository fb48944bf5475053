// SPDX-License-Identifier: Apache-2.0
// Runs every check on a mounted share and on a local folder. What differs must be in the table of
// docs/file-service.md, and what the table lists must differ.
#include <fmt/format.h>
#include <fnmatch.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "check.hpp"
#include "tests/conformance/files/service.hpp"
#include "tests/support/paths.hpp"

namespace understudy::files::testing {
namespace {

// The first column of the rows below the heading "Deviations", between backquotes; '*' stands for anything.
std::vector<std::string> listed_deviations() {
    std::ifstream document(test::source_directory() / "docs/file-service.md");
    std::vector<std::string> keys;
    bool below = false;
    for (std::string line; std::getline(document, line);) {
        if (line.starts_with("#")) below = line.find("Deviations") != std::string::npos;
        std::size_t end = line.find("` |");
        if (below && line.starts_with("| `") && end != std::string::npos)
            keys.push_back(line.substr(3, end - 3));
    }
    return keys;
}

TEST(Semantics, the_share_answers_as_a_local_file_system_but_for_the_deviations_that_are_listed) {
    auto service = Service::start(1);
    if (service.has_error() && service.error().kind == ErrorKind::environment)
        GTEST_SKIP() << service.error().message();
    ASSERT_TRUE(service.has_value()) << service.error().message();
    ::umask(0);
    std::vector<Check> checks;
    for (auto part : {path_checks(), permission_checks(), time_checks(), feature_checks()})
        checks.insert(checks.end(), part.begin(), part.end());
    ::chmod((*service)->data().c_str(), 0777);
    // Other users must be able to come this far.
    ::chmod((*service)->scratch("").c_str(), 0755);

    std::map<std::string, int> listed;
    for (const std::string& key : listed_deviations()) listed[key] = 0;
    ASSERT_FALSE(listed.empty());
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!kernel_maps_shared() && checks[i].key.starts_with("mmap: shared for")) continue;
        std::string folder = fmt::format("check{}", i);
        std::string local = run(checks[i], (*service)->local(folder));
        std::string share = run(checks[i], (*service)->at("a", folder));
        bool known = false;
        for (auto& [key, count] : listed)
            if (::fnmatch(key.c_str(), checks[i].key.c_str(), 0) == 0) {
                known = true;
                count += share != local ? 1 : 0;
            }
        EXPECT_TRUE(known || share == local)
            << checks[i].key << "\n  share: " << share << "\n  local: " << local;
    }
    for (const auto& [key, count] : listed)
        EXPECT_GT(count, 0) << "docs/file-service.md lists `" << key << "`, which is no deviation (any more)";
}

}  // namespace
}  // namespace understudy::files::testing
