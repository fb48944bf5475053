// SPDX-License-Identifier: Apache-2.0
// The file operations of 9P on the host's file system. Every function takes a request and gives its reply,
// Rlerror with the host's errno when it failed. Nothing follows a symbolic link or leaves the share: names
// are single components, opened with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). Only regular files and
// directories are opened. Files belong to the server's user; mode bits are kept, owners are not changed.
// ".." is refused: a client knows its own path. A HostFile never changes once made, so any thread may read
// it. Threads: any, in order for each fid; they wait for what the share waits for (share.hpp).
#pragma once

#include <cerrno>
#include <memory>
#include <string>

#include "base/io/unique_fd.hpp"
#include "storage/files/core/message.hpp"
#include "storage/files/server/share.hpp"

namespace understudy::files {

// What a fid stands for.
struct HostFile {
    std::shared_ptr<Share> share;
    std::string path;     // below the share's root when it was walked to, for people: "/artemis/journal"
    io::UniqueFd place;   // O_PATH: the file itself, not opened
    io::UniqueFd opened;  // by Tlopen or Tlcreate
    Qid qid;
    bool append = false;
    bool writes_through = false;  // opened with O_SYNC or O_DSYNC
    std::string attribute;        // the value, when the fid came from Txattrwalk
    bool is_attribute = false;
    bool is_root = false;  // from Tattach
};

// Rlerror with that errno; EIO for 0.
Body failure(int error = errno);
std::string proc_path(int fd);  // through which a descriptor that only names a file is opened and changed

Body attach_root(std::shared_ptr<Share> share, HostFile& root);
Body walk(const HostFile& from, const Twalk& request, HostFile& to);  // `to` is set when every name was found
Body open_file(const HostFile& file, const Tlopen& request, std::uint32_t io_unit, HostFile& opened);
Body create_file(const HostFile& directory, const Tlcreate& request, std::uint32_t io_unit,
                 HostFile& created);
Body read_file(const HostFile& file, const Tread& request);
Body write_file(const HostFile& file, const Twrite& request);
Body sync_file(const HostFile& file, const Tfsync& request);
Body read_directory(const HostFile& directory, const Treaddir& request);
Body get_attributes(const HostFile& file);
Body set_attributes(const HostFile& file, const Tsetattr& request);
Body file_system_status(const HostFile& file);

Body make_directory(const HostFile& directory, const Tmkdir& request);
Body make_symlink(const HostFile& directory, const Tsymlink& request);
Body make_node(const HostFile& directory, const Tmknod& request);  // regular files and FIFOs
Body make_link(const HostFile& directory, const HostFile& file, const std::string& name);
Body read_link(const HostFile& file);
Body unlink_at(const HostFile& directory, const std::string& name, std::uint32_t flags);
Body rename_at(const HostFile& from, const std::string& old_name, const HostFile& to,
               const std::string& new_name);
Body rename_file(const HostFile& file, const HostFile& to, const std::string& new_name);  // Trename
Body remove_file(const HostFile& file);                                                   // Tremove

}  // namespace understudy::files
