// SPDX-License-Identifier: Apache-2.0
// Where this machine has PostgreSQL's server, as Debian and Ubuntu lay it out: one folder a major version,
// /usr/lib/postgresql/15/bin. A pod sees the same /usr. Threads: any.
#pragma once

#include <filesystem>
#include <optional>

namespace understudy::postgresql {

constexpr const char* usual_root = "/usr/lib/postgresql";

struct Installation {
    int version = 0;                 // the major one
    std::filesystem::path programs;  // initdb and postgres are there
};

// The newest version that has both programs; nothing when none has.
std::optional<Installation> newest_installation(const std::filesystem::path& root = usual_root);

// The version that a data directory was made by: no other can open it. Nothing when it is no data directory.
std::optional<Installation> installation_for(const std::filesystem::path& data_directory,
                                             const std::filesystem::path& root = usual_root);

}  // namespace understudy::postgresql
