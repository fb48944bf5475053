// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, removed with its object with all that is in it. Throws where it can't be made.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace understudy::test {

class ScratchDirectory {
  public:
    explicit ScratchDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }

    // A file in it, with the folders above it; returns its path.
    std::filesystem::path write(const std::string& name, std::string_view content) const;

  private:
    std::filesystem::path path_;
};

}  // namespace understudy::test
