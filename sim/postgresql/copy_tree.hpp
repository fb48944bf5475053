// SPDX-License-Identifier: Apache-2.0
// Copies a folder with what is in it. Threads: any.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/result.hpp"

namespace understudy::postgresql {

// Folders and regular files, all given to `user` and `group`, folders with mode 0700 and files with 0600,
// which is what PostgreSQL asks of its data. `to` must not be there; nothing is synced. Error kind failed,
// subject the path at which it ended: then part of the copy is left.
Result<void> copy_tree(const std::filesystem::path& from, const std::filesystem::path& to, uid_t user,
                       gid_t group);

}  // namespace understudy::postgresql
