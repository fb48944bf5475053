// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/installation.hpp"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <string>

namespace understudy::postgresql {
namespace {

namespace fs = std::filesystem;

// Below it initdb lacks options that are used here, and a schema is open to everyone.
constexpr int oldest_version = 15;

bool can_be_executed(const fs::path& program) {
    return ::access(program.c_str(), X_OK) == 0;
}

// 0 for what is no version.
int version_of(const std::string& name) {
    int version = 0;
    const char* end = name.data() + name.size();
    const auto [after, failure] = std::from_chars(name.data(), end, version);
    return failure == std::errc() && after == end ? version : 0;
}

}  // namespace

std::optional<Installation> newest_installation(const fs::path& root) {
    std::optional<Installation> newest;
    std::error_code ignored;  // no folder: no version
    for (const auto& entry : fs::directory_iterator(root, ignored)) {
        const int version = version_of(entry.path().filename().string());
        const fs::path programs = entry.path() / "bin";
        if (version < oldest_version || (newest && newest->version > version)) continue;
        if (can_be_executed(programs / "initdb") && can_be_executed(programs / "postgres"))
            newest = Installation{version, programs};
    }
    return newest;
}

std::optional<Installation> installation_for(const fs::path& data_directory, const fs::path& root) {
    std::ifstream file(data_directory / "PG_VERSION");
    std::string name;
    if (!(file >> name)) return std::nullopt;
    const fs::path programs = root / name / "bin";
    if (!can_be_executed(programs / "postgres")) return std::nullopt;
    return Installation{version_of(name), programs};
}

}  // namespace understudy::postgresql
