// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/host_places.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace understudy::files {

bool is_one_name(const std::string& name) {
    return !name.empty() && name.size() <= max_name_bytes && name != "." && name != ".." &&
           name.find('/') == std::string::npos;
}

io::UniqueFd open_beneath(int directory, const std::string& name, int flags, mode_t mode, Lookup lookup) {
    open_how how = {};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    // The last component may be a symbolic link itself when only its place is wanted.
    if ((flags & O_PATH) == 0) how.resolve |= RESOLVE_NO_SYMLINKS;
    if (lookup == Lookup::cached) how.resolve |= RESOLVE_CACHED;
    return io::UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
}

io::UniqueFd place_of(int directory, const std::string& name, Lookup lookup) {
    return open_beneath(directory, name, O_PATH | O_NOFOLLOW, 0, lookup);
}

Qid qid_of(const struct stat& status) {
    Qid qid;
    qid.path = status.st_ino;
    qid.type = static_cast<std::uint8_t>(S_ISDIR(status.st_mode)   ? QidType::directory
                                         : S_ISLNK(status.st_mode) ? QidType::symlink
                                                                   : QidType::file);
    return qid;
}

std::optional<struct stat> status_of(int fd) {
    struct stat status = {};
    if (::fstat(fd, &status) != 0) return std::nullopt;
    return status;
}

std::string joined(const std::string& path, const std::string& name) {
    return path == "/" ? path + name : path + "/" + name;
}

std::uint64_t bytes_freed_by(int directory, const std::string& name) {
    struct stat status = {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return S_ISREG(status.st_mode) && status.st_nlink == 1 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::optional<Parent> parent_of(const HostFile& file) {
    std::array<char, PATH_MAX> real = {};
    ssize_t length = ::readlink(proc_path(file.place.get()).c_str(), real.data(), real.size());
    if (length <= 0) return std::nullopt;
    std::string path(real.data(), static_cast<std::size_t>(length));
    const std::string& root = file.share->real_path();
    if (path.size() <= root.size() + 1 || path.compare(0, root.size() + 1, root + "/") != 0)
        return std::nullopt;
    std::string below = path.substr(root.size() + 1);
    std::size_t slash = below.rfind('/');
    Parent parent;
    parent.name = slash == std::string::npos ? below : below.substr(slash + 1);
    std::string directory = slash == std::string::npos ? "." : below.substr(0, slash);
    parent.directory = open_beneath(file.share->root(), directory, O_PATH | O_DIRECTORY);
    if (!parent.directory.valid()) return std::nullopt;
    struct stat status = {};
    if (::fstatat(parent.directory.get(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        status.st_ino != file.qid.path)
        return std::nullopt;
    return parent;
}

Body failure(int error) {
    return Rlerror{static_cast<std::uint32_t>(error == 0 ? EIO : error)};
}

std::string proc_path(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace understudy::files
