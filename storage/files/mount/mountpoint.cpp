// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/mountpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace understudy::files {

Result<Mountpoint> Mountpoint::mount(const std::string& path, const std::string& source) {
    // Not by stat(2), which the kernel answers from memory for a while after the process has died.
    struct statfs space = {};
    for (int stale = 0; stale < 8 && ::statfs(path.c_str(), &space) != 0 && errno == ENOTCONN; ++stale)
        ::umount2(path.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::create_directories(path, ignored);
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return system_error(path, errno, ErrorKind::environment);
    if (!S_ISDIR(status.st_mode)) return system_error(path, ENOTDIR, ErrorKind::environment);
    io::UniqueFd fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fuse.valid())
        return system_error("/dev/fuse", errno, ErrorKind::environment)
            .with_remedy("load the kernel's module (modprobe fuse) or allow the device");
    std::string options =
        fmt::format("fd={},rootmode={:o},user_id={},group_id={},allow_other,default_permissions", fuse.get(),
                    status.st_mode & S_IFMT, ::getuid(), ::getgid());
    if (::mount(source.c_str(), path.c_str(), "fuse.understudy", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
        return system_error("mount " + path, errno, ErrorKind::environment);
    return Mountpoint(path, std::move(fuse));
}

void Mountpoint::unmount() {
    if (!fuse_.valid()) return;
    ::umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace understudy::files
