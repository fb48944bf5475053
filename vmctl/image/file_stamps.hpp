// SPDX-License-Identifier: Apache-2.0
// Says whether files are still as they were, without reading them: by size, inode and the times of the last
// change of content and of status, in nanoseconds, as make and ccache do. A file that isn't there has a stamp
// too: it must still be missing. Stamp a file before it is read, so that a change meanwhile counts as one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace understudy::vmctl {

class FileStamps {
  public:
    void add(const std::filesystem::path& file);

    // One line a file, each ended by a line feed. Paths with a line feed make no stamp that ever holds.
    const std::string& text() const { return text_; }

    // Whether every file of such a text has the same stamp now. An empty or broken text doesn't hold.
    static bool hold(std::string_view text);

  private:
    std::string text_;
};

}  // namespace understudy::vmctl
