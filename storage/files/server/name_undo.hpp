// SPDX-License-Identifier: Apache-2.0
// Changes of names, modes and attributes below one root that the disk may still forget, in the order they
// were made, each with what undoes it. They become durable in that order, as in a file system with an ordered
// journal. Files that lost a name are kept by a second one in a folder beside the root, which must be on the
// same file system. Threads: the holder of mutex(), from before a change until it is noted.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::files {

class NameUndo {
  public:
    // Empties the folder. Error kind environment.
    Result<void> open(int root, const std::string& real_root, const std::string& folder);

    std::mutex& mutex() { return mutex_; }

    // What a name stands for before it is removed or replaced.
    struct Kept {
        enum class What { nothing, directory, file } what = What::nothing;
        mode_t mode = 0;  // of a directory
        std::string as;   // of anything else: its name in the folder
        std::uint64_t inode = 0;
    };
    // False with errno when it can't be kept: then the change must not be made.
    bool keep(int directory, const std::string& name, Kept& kept);
    void drop(const Kept& kept);  // the change was not made

    void created(int directory, const std::string& name, bool is_directory);
    void removed(int directory, const std::string& name, Kept kept);
    // `inode` has a new name in place of what was kept.
    void renamed(int from, const std::string& old_name, int to, const std::string& new_name, Kept kept,
                 std::uint64_t inode);
    void mode_changed(int place, mode_t before);
    void attribute_changed(int place, const std::string& name, std::optional<std::string> before);

    std::size_t count() const { return changes_.size() + committed_; }  // of all that were ever made
    // The changes up to a count() of before are durable. Gives the files that took another's name: their
    // bytes reach the disk before the name does.
    std::vector<std::uint64_t> commit(std::size_t until);

    // The count() up to which they have been waiting for a sync for too long, or are too many: a minute,
    // 65536.
    std::size_t overdue() const;
    std::size_t pending() const { return changes_.size(); }
    std::uint64_t kept_links(std::uint64_t inode) const;
    Result<void> roll_back();  // all that is not durable, the latest first

  private:
    struct Change {
        enum class What { created, removed, renamed, mode, attribute } what;
        std::string path;        // as it is called after the change
        std::string old_path{};  // renamed
        bool is_directory = false;
        mode_t mode = 0;
        Kept kept{};
        std::uint64_t inode = 0;
        std::string attribute{};
        std::optional<std::string> value{};
        std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
    };
    std::string path_of(int place) const;
    std::string path_of(int directory, const std::string& name) const;
    void note(Change change);
    bool undo(const Change& change);
    bool restore(const Kept& kept, int directory, const std::string& name);

    std::mutex mutex_;
    int root_ = -1;
    std::string real_root_;
    io::UniqueFd folder_;
    std::deque<Change> changes_;
    std::size_t committed_ = 0;
    std::uint64_t next_kept_ = 1;
    std::map<std::uint64_t, std::uint64_t> kept_links_;  // by inode
};

}  // namespace understudy::files
