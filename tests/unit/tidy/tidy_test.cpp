// SPDX-License-Identifier: Apache-2.0
// The structure's rules, checked on the sources: who may include whom, and the licence line.
// docs/ARCHITECTURE.md has them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"

namespace understudy {
namespace {

namespace fs = std::filesystem;

struct Source {
    std::string path;  // from the root
    std::string text;
    std::vector<std::string> includes;  // "…" ones only
    std::string component() const { return path.substr(0, path.find('/')); }
    bool is_core() const { return path.find("/core/") != std::string::npos; }
};

std::vector<Source> sources() {
    const fs::path root = test::source_directory();
    std::vector<Source> all;
    for (const char* component : {"base", "lb", "storage", "vmctl", "sim", "tests"})
        for (const auto& entry : fs::recursive_directory_iterator(root / component)) {
            const auto extension = entry.path().extension();
            if (extension != ".cpp" && extension != ".hpp") continue;
            Source source{fs::relative(entry.path(), root).string(), {}, {}};
            source.text = test::content_of(entry.path());
            std::istringstream lines(source.text);
            for (std::string line; std::getline(lines, line);)
                if (line.starts_with("#include \""))
                    source.includes.push_back(line.substr(10, line.rfind('"') - 10));
            all.push_back(std::move(source));
        }
    return all;
}

bool begins_with_one_of(const std::string& text, const std::vector<std::string>& beginnings) {
    for (const std::string& beginning : beginnings)
        if (text.starts_with(beginning)) return true;
    return false;
}

TEST(Tidy, there_are_sources_to_check) {
    EXPECT_GT(sources().size(), 100u);
}

TEST(Tidy, every_source_begins_with_its_licence_line) {
    for (const Source& source : sources())
        EXPECT_TRUE(source.text.starts_with("// SPDX-License-Identifier: Apache-2.0\n")) << source.path;
}

TEST(Tidy, a_core_includes_base_and_cores_only) {
    for (const Source& source : sources()) {
        if (!source.is_core()) continue;
        for (const std::string& included : source.includes) {
            const bool pure_base =
                included.starts_with("base/") && included.find('/', 5) == std::string::npos;
            EXPECT_TRUE(pure_base || included.find("/core/") != std::string::npos)
                << source.path << " includes " << included;
        }
        for (const char* effect : {"#include <sys/socket.h>", "#include <boost/asio", "#include <thread>",
                                   "#include <spdlog/", "#include <fstream>"})
            EXPECT_EQ(source.text.find(effect), std::string::npos) << source.path << ": " << effect;
    }
}

TEST(Tidy, components_include_base_and_themselves_and_only_sim_includes_sim) {
    for (const Source& source : sources()) {
        const std::string component = source.component();
        if (component == "tests" || component == "sim") continue;
        for (const std::string& included : source.includes)
            EXPECT_TRUE(begins_with_one_of(included, {"base/", component + "/"}))
                << source.path << " includes " << included;
    }
}

TEST(Tidy, only_its_own_folder_includes_the_hypervisors_headers) {
    for (const Source& source : sources()) {
        if (source.path.starts_with("vmctl/libvirt/")) continue;
        EXPECT_EQ(source.text.find("\n#include <libvirt/"), std::string::npos) << source.path;
    }
}

}  // namespace
}  // namespace understudy
