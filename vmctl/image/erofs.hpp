// SPDX-License-Identifier: Apache-2.0
// Writes an EROFS file system, read-only and uncompressed: what is read of it goes straight into a guest's
// page cache (Linux, Documentation/filesystems/erofs.rst). Made by mkfs.erofs of the package erofs-utils.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

// mkfs.erofs, or an environment error with the remedy.
Result<std::filesystem::path> find_mkfs_erofs();

// `files`: path (relative, "lib/modules/fuse.ko") to content. All belong to root and may be executed. The
// same files make the same bytes. Works in folders of its own beside `image`, which appears whole or not at
// all. bad_input: a path is absolute, empty or leads out. environment: mkfs.erofs is missing or fails; its
// words are in it.
Result<void> write_erofs(const std::map<std::string, std::string>& files, const std::filesystem::path& image);

}  // namespace understudy::vmctl
