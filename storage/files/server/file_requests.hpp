// SPDX-License-Identifier: Apache-2.0
// Requests that work on files alone: which fids they name, and the operation of each.
#pragma once

#include <cstdint>
#include <optional>

#include "storage/files/core/message.hpp"
#include "storage/files/server/host_files.hpp"

namespace understudy::files {

struct FileFids {
    std::optional<std::uint32_t> file;  // none: the request names no file
    std::optional<std::uint32_t> to;    // where it goes (link, rename)
};
FileFids fids_of(const Body& request);

// May wait for the disk. `to` is null unless the request names a second fid. Reads give at most `data_limit`
// bytes.
Body answer_file_request(const HostFile& file, const HostFile* to, const Body& request,
                         std::uint32_t data_limit);

}  // namespace understudy::files
