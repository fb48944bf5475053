// SPDX-License-Identifier: Apache-2.0
// The file operations that the host's memory can answer, for a thread that must not wait for its disk: each
// gives the reply of its namesake in host_files.hpp, or none where that might wait. Memory answers all on a
// tmpfs; on ext4, XFS and btrfs the status of a file that is held by a descriptor, names that the kernel has
// cached (RESOLVE_CACHED) and data that it has cached (RWF_NOWAIT). Reads of more than max_bytes_at_once are
// never answered: copying them would hold up others. Threads: any.
#pragma once

#include <optional>

#include "storage/files/server/host_files.hpp"

namespace understudy::files {

constexpr std::uint32_t max_bytes_at_once = 64 << 10;

std::optional<Body> get_attributes_at_once(const HostFile& file);
std::optional<Body> walk_at_once(const HostFile& from, const Twalk& request, HostFile& to);
std::optional<Body> open_file_at_once(const HostFile& file, const Tlopen& request, std::uint32_t io_unit,
                                      HostFile& opened);
std::optional<Body> read_file_at_once(const HostFile& file, const Tread& request);
std::optional<Body> file_system_status_at_once(const HostFile& file);

}  // namespace understudy::files
