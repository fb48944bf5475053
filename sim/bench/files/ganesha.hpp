// SPDX-License-Identifier: Apache-2.0
// NFS-Ganesha for a bench: NFSv4 in user space, over the kernel's file system interface, mounted by the
// kernel's own client where there is one.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "sim/bench/rig.hpp"

namespace understudy::bench {

constexpr std::uint16_t nfs_port = 2049;

// Whether this process may mount NFS; the Error says why not. `place` is an empty folder.
Result<void> can_mount_nfs(const std::string& place);

struct GaneshaPlace {
    std::string peers;    // folder into which the packages were unpacked, if they were
    std::string scratch;  // takes configuration and state
    std::string folder;   // to export
};

// Starts the server on `host` of the rig.
Result<void> start_ganesha(const Rig& rig, const std::string& host, const GaneshaPlace& place,
                           const std::string& log);

// Mounts the export on `host` at `where`. The process that did stays until it is killed.
Result<pid_t> mount_ganesha(const Rig& rig, const std::string& host, const std::string& server,
                            const std::string& where, const std::string& log);

}  // namespace understudy::bench
