// SPDX-License-Identifier: Apache-2.0
// Extended attributes of files on the host. Only the names of the space "user." are the clients': others
// answer EOPNOTSUPP. Names that begin with "user.understudy." are the server's own and are neither listed nor
// stored. A value has at most 64 KiB, as on Linux. Rule: xattr(7); 9P2000.L's Txattrwalk and Txattrcreate as
// the Linux client sends them: a size of 0 with XATTR_REPLACE removes. Threads: these block on the host's
// disk and are called from the file pool.
#pragma once

#include <memory>
#include <string>

#include "storage/files/core/message.hpp"
#include "storage/files/server/host_files.hpp"

namespace understudy::files {

constexpr std::string_view own_attributes = "user.understudy.";

// The value, or with an empty name the list of names, each ended by NUL. Rxattrwalk with its size.
Body read_attribute(const HostFile& file, const std::string& name, std::string& value);

// A value on its way: opened by Txattrcreate, filled by Twrite, put on the file when the fid is clunked.
struct AttributeWrite {
    std::shared_ptr<const HostFile> file;
    std::string name;
    std::uint64_t size = 0;  // announced; what comes must add up to it
    std::uint32_t flags = 0;
    std::string value;
};

// Checks name, size and flags; nothing is changed yet. Rxattrcreate.
Body begin_attribute(const Txattrcreate& request, std::shared_ptr<const HostFile> file,
                     AttributeWrite& write);
// Data at the end of what came so far only.
Body append_attribute(const Twrite& request, AttributeWrite& write);
Body commit_attribute(const AttributeWrite& write);  // Rclunk

}  // namespace understudy::files
