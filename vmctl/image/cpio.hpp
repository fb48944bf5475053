// SPDX-License-Identifier: Apache-2.0
// An archive in the "newc" cpio format, which the kernel unpacks as its first root file system.
// Deterministic: every time, owner and group is 0, inode numbers count from 1, entries come out sorted by
// path, parents before children. Rule: Documentation/driver-api/early-userspace/buffer-format.rst of the
// Linux kernel.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace understudy::vmctl {

class CpioArchive {
  public:
    // Paths are relative ("etc/passwd"). A path added twice keeps the last; missing parents are made, mode
    // 0755.
    void add_directory(const std::string& path, unsigned mode = 0755);
    void add_file(const std::string& path, std::string content, unsigned mode = 0644);
    void add_link(const std::string& path, std::string target);  // symbolic
    void add_character_device(const std::string& path, unsigned mode, unsigned major, unsigned minor);

    bool contains(const std::string& path) const { return entries_.contains(path); }
    std::string bytes() const;

  private:
    struct Entry {
        unsigned mode = 0;  // with the file type
        std::string content;
        unsigned major = 0;
        unsigned minor = 0;
    };
    void add(const std::string& path, Entry entry);

    std::map<std::string, Entry> entries_;
};

}  // namespace understudy::vmctl
