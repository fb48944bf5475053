// SPDX-License-Identifier: Apache-2.0
// SQLite's access to its files with a memory of what the disk may still forget, so that a power loss can take
// it back: for the database and its log, the bytes and the size that the last sync doesn't cover. The rule is
// that of a file system: a sync makes durable what was written to that file before it, and nothing else does.
// Names are durable at once, as SQLite syncs the folder of a file it makes; past 64 MiB that a file remembers
// it is synced, as a kernel writes back. A layer over SQLite's own VFS;
// made once, before the first database is opened, and kept until the process ends. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "storage/core/landing_choice.hpp"
#include "storage/undo/file_undo.hpp"

namespace understudy::database {

class UndoVfs {
  public:
    // Becomes what every later open uses. Lives as long as the process. Error kind environment.
    static Result<UndoVfs*> install();

    // From now on writes and syncs fail; what wasn't synced is put back, but for what lands.
    Result<void> lose_power(storage::TornWrites torn, std::uint64_t seed);
    bool power_lost() const { return power_lost_; }

    // Of the file at that path; null: it can't be opened. Descriptors are never closed, since that would drop
    // the locks that SQLite holds on the file (fcntl locks are the process's).
    storage::FileUndo* undo_of(const std::string& path);

  private:
    UndoVfs() = default;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<storage::FileUndo>> files_;  // by path
    std::atomic<bool> power_lost_ = false;
};

}  // namespace understudy::database
