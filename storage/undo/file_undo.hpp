// SPDX-License-Identifier: Apache-2.0
// The bytes of one file that its last sync doesn't cover, as they were then: before a page is changed for the
// first time, what it held is remembered. Threads: the holder of mutex().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "storage/core/landing_choice.hpp"

namespace understudy::storage {

class FileUndo {
  public:
    // `file` may be opened in any way; it is opened again through /proc to read and write.
    static Result<std::unique_ptr<FileUndo>> of(int file);

    std::mutex& mutex() { return mutex_; }

    // Before bytes [first, first + count) are written. False: they can't be remembered (errno).
    bool before_write(std::uint64_t first, std::uint64_t count);
    // Before the file gets that size.
    bool before_resize(std::uint64_t size);
    // All that was written so far is on the disk. Gives the bytes of memory that were freed.
    std::uint64_t synced();

    bool is_clean() const { return !size_; }
    std::uint64_t remembered_bytes() const { return remembered_; }
    int descriptor() const { return file_.get(); }

    // Puts back what was remembered, but for what lands.
    Result<void> roll_back(LandingChoice& choice);

  private:
    bool begin();
    bool remember(std::uint64_t page);

    io::UniqueFd file_;
    std::mutex mutex_;
    std::optional<std::uint64_t> size_;           // at the last sync; none: nothing changed since
    std::map<std::uint64_t, std::string> pages_;  // by number; the last of the file is shorter
    std::uint64_t remembered_ = 0;
};

}  // namespace understudy::storage
