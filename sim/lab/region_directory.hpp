// SPDX-License-Identifier: Apache-2.0
// Where a region keeps its files, and who may use them. One folder a region, named after it, mode 0700:
//   control.sock  the supervisor's socket       lock  held (flock) for as long as the supervisor lives
//   data/HOST/    what a pod keeps              logs/HOST.log, supervisor.log
//   run.sqlite    the run database              channel/, console/: VMs
// The folder goes with the region. One that a killed supervisor left behind is removed by the next `up`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::lab {

// $UNDERSTUDY_STATE_DIR, else /var/lib/understudy for root, else $XDG_STATE_HOME/understudy or
// ~/.local/state/understudy.
std::filesystem::path state_directory();

// Guest images, what PostgreSQL servers begin with and the proven accelerator: $UNDERSTUDY_CACHE_DIR, else
// /var/cache/understudy or ~/.cache/understudy.
std::filesystem::path cache_directory();

class RegionDirectory {
  public:
    // The folder of an existing or future region; touches nothing.
    explicit RegionDirectory(const std::string& region_name);

    // Makes the folder for a new region, after removing what a dead one left, and takes its lock: held until
    // the returned descriptor, and every copy that a fork made of it, is closed. Refuses a name whose region
    // lives, and one whose socket path would be longer than the kernel takes (108 bytes).
    Result<io::UniqueFd> create() const;

    bool exists() const;
    bool alive() const;  // someone holds the lock
    void remove() const;

    const std::string& name() const { return name_; }
    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path control_socket() const { return root_ / "control.sock"; }
    std::filesystem::path run_database() const { return root_ / "run.sqlite"; }
    std::filesystem::path data(const std::string& host) const { return root_ / "data" / host; }
    std::filesystem::path log(const std::string& host) const { return root_ / "logs" / (host + ".log"); }
    std::filesystem::path supervisor_log() const { return root_ / "logs" / "supervisor.log"; }

  private:
    std::string name_;
    std::filesystem::path root_;
};

// Names of the regions that have a folder, dead ones included, sorted.
std::vector<std::string> region_names();

// The region that a command without --name means: the only living one. Errors say which there are.
Result<std::string> only_region();

}  // namespace understudy::lab
