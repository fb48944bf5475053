// SPDX-License-Identifier: Apache-2.0
// What these tests share: a folder of their own, removed at the end.
#pragma once

#include <filesystem>
#include <string>

namespace understudy::postgresql {

class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    // A file below the folder, with the folders above it.
    std::filesystem::path write(const std::string& name, const std::string& content, bool executable = false);
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::string content_of(const std::filesystem::path& file);

}  // namespace understudy::postgresql
