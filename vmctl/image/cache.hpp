// SPDX-License-Identifier: Apache-2.0
// A directory of files and folders named by what they are and the hash of what they were made from:
// "kernel-<hash>". A modification time says when one was last used.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

class ImageCache {
  public:
    // Makes the directory. Environment error when that can't be done.
    static Result<ImageCache> open(const std::filesystem::path& directory);

    std::filesystem::path path(const std::string& kind, const std::string& hash) const;

    // Whether the file or folder is there; if so it counts as used now.
    bool use(const std::filesystem::path& file) const;

    // Removes, of each kind, all but the newest four, but nothing used within the last hour: a region may be
    // about to start from it. Also what builders that died left behind.
    void prune() const;

  private:
    explicit ImageCache(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

}  // namespace understudy::vmctl
