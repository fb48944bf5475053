// SPDX-License-Identifier: Apache-2.0
// What a share would lose if the power went now, kept so that a fault can take it away. The rule is that of a
// file system with an ordered journal (ext4's data=ordered with auto_da_alloc):
//   - A file's bytes and size are durable when it was synced (Tfsync, or written with O_SYNC or O_DSYNC).
//   - Names, modes and attributes become durable in the order they were changed; any sync, of a file or of a
//     directory, makes all of them durable that were made before it.
//   - A file renamed onto another has its bytes on the disk before it has the name there: after a power loss
//     the name has the old content or the new.
//   - Times are not rolled back. Whatever wasn't synced may be durable all the same.
// Limits: 256 MiB of remembered bytes, 1024 files; past them a write is synced at once. 65536 changes of
// names, each for a minute; past them the oldest become durable when the next is made. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "storage/files/core/fault.hpp"
#include "storage/files/server/name_undo.hpp"
#include "storage/undo/file_undo.hpp"

namespace understudy::files {

using storage::FileUndo;
using storage::LandingChoice;

class UndoLog {
  public:
    // `folder` keeps removed files; what is in it is deleted. Error kind environment.
    static Result<std::unique_ptr<UndoLog>> open(int root, const std::string& real_root,
                                                 const std::string& folder);

    // Held while bytes or the size of one file change. Nothing may be changed when !valid() (errno).
    class Change {
      public:
        Change(UndoLog& log, int file, std::uint64_t inode);
        ~Change();
        Change(const Change&) = delete;
        Change& operator=(const Change&) = delete;
        bool before_write(std::uint64_t first, std::uint64_t count);
        bool before_resize(std::uint64_t size);
        void synced();  // by the change itself

      private:
        void count();
        UndoLog& log_;
        std::shared_ptr<FileUndo> file_;
        std::unique_lock<std::mutex> held_;
        std::uint64_t remembered_ = 0;
    };

    // Runs `sync` (0: done, as fsync) with the file held still; what came before it is durable then.
    template <typename Sync>
    int sync(std::uint64_t inode, bool is_directory, Sync sync) {
        const std::size_t names = names_made();
        const int result = is_directory ? sync() : sync_file(inode, sync);
        if (result == 0) commit(names);
        return result;
    }

    NameUndo& names() { return names_; }
    void commit(std::size_t names);  // those up to a count() of before are durable
    std::uint64_t kept_links(std::uint64_t inode);
    std::optional<std::uint64_t> kept_links_at_once(
        std::uint64_t inode);  // none: names are changing just now

    // With nothing else running on the share.
    Result<void> roll_back(TornWrites torn, std::uint64_t seed);

  private:
    template <typename Sync>
    int sync_file(std::uint64_t inode, Sync sync) {
        const std::shared_ptr<FileUndo> known = find(inode);
        if (known == nullptr) return sync();
        const std::lock_guard<std::mutex> held(known->mutex());
        const int result = sync();
        if (result == 0) remembered_ -= known->synced();
        return result;
    }
    std::shared_ptr<FileUndo> find(std::uint64_t inode);
    std::shared_ptr<FileUndo> find_or_make(int file, std::uint64_t inode);
    std::size_t names_made();
    void forget_clean_files();

    NameUndo names_;
    std::mutex mutex_;  // of files_, whose members are handed out under it alone
    std::map<std::uint64_t, std::shared_ptr<FileUndo>> files_;  // by inode
    std::atomic<std::uint64_t> remembered_ = 0;
};

}  // namespace understudy::files
