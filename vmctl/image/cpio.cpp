// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/cpio.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/assert.hpp"

namespace understudy::vmctl {
namespace {

void pad(std::string& archive) {
    archive.append((4 - archive.size() % 4) % 4, '\0');
}

void append(std::string& archive, unsigned inode, unsigned mode, unsigned major, unsigned minor,
            const std::string& path, const std::string& content) {
    UNDERSTUDY_ASSERT(content.size() <= 0xffffffffu, "a cpio entry's size has eight hexadecimal digits");
    const unsigned links = S_ISDIR(mode) ? 2 : 1;
    archive +=
        fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                    inode, mode, 0, 0, links, 0, content.size(), 0, 0, major, minor, path.size() + 1, 0);
    archive += path;
    archive += '\0';
    pad(archive);
    archive += content;
    pad(archive);
}

}  // namespace

void CpioArchive::add(const std::string& path, Entry entry) {
    UNDERSTUDY_ASSERT(!path.empty() && path.front() != '/' && path.back() != '/', "cpio paths are relative");
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        if (!contains(parent)) entries_[parent] = Entry{S_IFDIR | 0755, {}, 0, 0};
    }
    entries_[path] = std::move(entry);
}

void CpioArchive::add_directory(const std::string& path, unsigned mode) {
    add(path, {S_IFDIR | mode, {}, 0, 0});
}

void CpioArchive::add_file(const std::string& path, std::string content, unsigned mode) {
    add(path, {S_IFREG | mode, std::move(content), 0, 0});
}

void CpioArchive::add_link(const std::string& path, std::string target) {
    add(path, {S_IFLNK | 0777u, std::move(target), 0, 0});
}

void CpioArchive::add_character_device(const std::string& path, unsigned mode, unsigned major,
                                       unsigned minor) {
    add(path, {S_IFCHR | mode, {}, major, minor});
}

std::string CpioArchive::bytes() const {
    std::string archive;
    unsigned inode = 0;
    for (const auto& [path, entry] : entries_)
        append(archive, ++inode, entry.mode, entry.major, entry.minor, path, entry.content);
    append(archive, 0, 0, 0, 0, "TRAILER!!!", {});
    return archive;
}

}  // namespace understudy::vmctl
