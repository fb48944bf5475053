// SPDX-License-Identifier: Apache-2.0
// What the file operations share: names checked, places found below a directory without leaving the share,
// what a descriptor is. Threads: any; these look things up on the host's disk.
#pragma once

#include <sys/stat.h>

#include <mutex>
#include <optional>
#include <string>

#include "base/io/unique_fd.hpp"
#include "storage/files/core/message.hpp"
#include "storage/files/server/host_files.hpp"

namespace understudy::files {

constexpr std::size_t max_name_bytes = 255;

bool is_one_name(const std::string& name);  // a component that names something inside a directory

// How a name is looked up. cached: by what the kernel has in memory; EAGAIN where that doesn't tell.
enum class Lookup { whole, cached };

// Invalid with errno set when it can't be opened. Neither leaves the directory nor follows a link.
io::UniqueFd open_beneath(int directory, const std::string& name, int flags, mode_t mode = 0,
                          Lookup lookup = Lookup::whole);
// O_PATH, the link itself where it is one.
io::UniqueFd place_of(int directory, const std::string& name, Lookup lookup = Lookup::whole);

Qid qid_of(const struct stat& status);
std::optional<struct stat> status_of(int fd);
std::string joined(const std::string& path, const std::string& name);

// Held while names of a share change, where it keeps an undo log.
class NamesHeld {
  public:
    explicit NamesHeld(const Share& share) : log_(share.undo()) {
        if (log_ == nullptr) return;
        undo_ = &log_->names();
        held_ = std::unique_lock(undo_->mutex());
    }
    ~NamesHeld() {
        if (log_ == nullptr) return;
        const std::size_t due = undo_->overdue();
        held_.unlock();
        if (due > 0) log_->commit(due);
    }
    NamesHeld(const NamesHeld&) = delete;
    NamesHeld& operator=(const NamesHeld&) = delete;
    NameUndo* undo() const { return undo_; }  // null: without one

  private:
    UndoLog* log_;
    NameUndo* undo_ = nullptr;
    std::unique_lock<std::mutex> held_;
};

// How many bytes of quota go when `name` loses its last link.
std::uint64_t bytes_freed_by(int directory, const std::string& name);

// The parent directory and name of a file that is known by its descriptor only, from /proc, as it is called
// now.
struct Parent {
    io::UniqueFd directory;
    std::string name;
};
std::optional<Parent> parent_of(const HostFile& file);

}  // namespace understudy::files
