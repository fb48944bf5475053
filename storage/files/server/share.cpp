// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/share.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

namespace understudy::files {
namespace {

std::uint64_t bytes_held(const std::string& path) {
    namespace fs = std::filesystem;
    std::uint64_t total = 0;
    std::set<std::uint64_t> linked;  // a file of several names counts once
    std::error_code error;
    for (fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error)) {
        struct stat status = {};
        if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        if (status.st_nlink > 1 && !linked.insert(status.st_ino).second) continue;
        total += static_cast<std::uint64_t>(status.st_size);
    }
    return total;
}

}  // namespace

WaitsFor waits_for(std::uint64_t file_system_type) {
    switch (file_system_type) {
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
            return WaitsFor::nothing;
        case EXT4_SUPER_MAGIC:
        case XFS_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
            return WaitsFor::disk;
        default:
            return WaitsFor::anything;
    }
}

Result<std::shared_ptr<Share>> Share::open(const std::string& path, std::uint64_t quota_bytes,
                                           bool power_loss) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    std::shared_ptr<Share> share(new Share());
    share->root_.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!share->root_.valid()) return system_error(path, errno, ErrorKind::environment);
    std::array<char, PATH_MAX> real = {};
    ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", share->root()).c_str(), real.data(), real.size());
    if (length <= 0)
        return Error(ErrorKind::environment, "/proc", "is not mounted")
            .with_remedy("mount -t proc proc /proc");
    share->real_path_.assign(real.data(), static_cast<std::size_t>(length));
    struct statfs host = {};
    if (::fstatfs(share->root(), &host) == 0)
        share->waits_ = waits_for(static_cast<std::uint64_t>(host.f_type));
    share->quota_ = quota_bytes;
    share->used_ = bytes_held(path);
    if (power_loss) {
        UNDERSTUDY_TRY(share->undo_, UndoLog::open(share->root(), share->real_path_, path + ".undo"));
    }
    return share;
}

bool Share::reserve(std::uint64_t bytes) {
    const std::uint64_t reserved = reserve_up_to(bytes);
    if (reserved == bytes) return true;
    release(reserved);
    return false;
}

std::uint64_t Share::reserve_up_to(std::uint64_t bytes) {
    std::uint64_t used = used_, reserved = 0;
    do {
        reserved = quota_ == 0 ? bytes : std::min(bytes, quota_ - std::min(used, quota_));
    } while (!used_.compare_exchange_weak(used, used + reserved));
    return reserved;
}

void Share::release(std::uint64_t bytes) {
    std::uint64_t used = used_;
    while (!used_.compare_exchange_weak(used, used - std::min(used, bytes))) {
    }
}

}  // namespace understudy::files
