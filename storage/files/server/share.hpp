// SPDX-License-Identifier: Apache-2.0
// One exported directory on the host: its root descriptor, its quota, and what it would lose without power.
// Opening reports a missing /proc too, through which descriptors that only name a file (O_PATH) are opened,
// changed and linked. Threads: the quota counter may be used from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "storage/files/server/undo_log.hpp"

namespace understudy::files {

// For what a file system makes its callers wait, besides changes. Unknown ones, and those over a network, for
// anything.
enum class WaitsFor { nothing, disk, anything };
WaitsFor waits_for(std::uint64_t file_system_type);  // statfs()'s f_type

class Share {
  public:
    // Makes the directory if it is missing and counts what it holds. With `power_loss` it keeps an undo log,
    // in the folder PATH.undo. Error kind environment.
    static Result<std::shared_ptr<Share>> open(const std::string& path, std::uint64_t quota_bytes,
                                               bool power_loss);

    int root() const { return root_.get(); }
    const std::string& real_path() const { return real_path_; }  // as /proc shows it

    // Of its folder. Another file system that is mounted below it isn't looked for.
    WaitsFor waits() const { return waits_; }

    UndoLog* undo() const { return undo_.get(); }  // null: without power loss

    // Reserves `bytes` more; false when the quota would be passed, and nothing is reserved.
    bool reserve(std::uint64_t bytes);
    // Reserves as many of them as the quota still has, and says how many.
    std::uint64_t reserve_up_to(std::uint64_t bytes);
    void release(std::uint64_t bytes);
    std::uint64_t used_bytes() const { return used_; }
    std::uint64_t quota_bytes() const { return quota_; }

  private:
    Share() = default;
    io::UniqueFd root_;
    std::string real_path_;
    std::unique_ptr<UndoLog> undo_;
    WaitsFor waits_ = WaitsFor::anything;
    std::uint64_t quota_ = 0;
    std::atomic<std::uint64_t> used_ = 0;
};

}  // namespace understudy::files
