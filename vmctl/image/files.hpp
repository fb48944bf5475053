// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, and SHA-256.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::vmctl {

// At most 512 MiB. Error kind environment, subject the path.
Result<std::string> read_whole_file(const std::filesystem::path& path);

// Written to a temporary beside `path`, synced and renamed: a reader sees the old file, the new one or none,
// and of two writers at once one wins.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);

// Lower-case hexadecimal. Each piece counts with its length, so that moving a byte from one to the next
// shows.
class ContentHash {
  public:
    ContentHash();
    ~ContentHash();
    ContentHash(const ContentHash&) = delete;
    ContentHash& operator=(const ContentHash&) = delete;
    void add(std::string_view piece);
    std::string finish();

  private:
    void* context_;
};

}  // namespace understudy::vmctl
