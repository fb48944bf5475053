// SPDX-License-Identifier: Apache-2.0
// The directory tree that libvirt's embedded driver keeps its state in.
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace understudy::vmctl {

// Makes `root` (0700) and root/etc/qemu.conf: no security driver, control groups or mount namespaces, logs
// straight to files, no change of the owner of any file, QEMU under the user that calls.
// `capabilities_cache`, when not empty, is a directory (made if missing) where libvirt keeps what it learnt
// by starting QEMU, for later roots to use: asking QEMU again costs 0.6 s. Sockets live below root, so its
// path may have at most 60 bytes.
Result<void> prepare_root_directory(const std::filesystem::path& root,
                                    const std::filesystem::path& capabilities_cache);

}  // namespace understudy::vmctl
