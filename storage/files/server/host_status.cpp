// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "storage/files/server/host_at_once.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/host_places.hpp"

namespace understudy::files {

namespace {

std::optional<struct stat> status_of_file(const HostFile& file) {
    return status_of(file.opened.valid() ? file.opened.get() : file.place.get());
}

// `kept_links`: those that only the undo log knows.
Body to_reply(const struct stat& it, std::uint64_t kept_links) {
    Rgetattr reply;
    reply.valid = getattr_basic;
    reply.qid = qid_of(it);
    reply.mode = it.st_mode;
    reply.uid = it.st_uid;
    reply.gid = it.st_gid;
    reply.links = it.st_nlink - kept_links;
    reply.device = it.st_rdev;
    reply.size = static_cast<std::uint64_t>(it.st_size);
    reply.block_bytes = static_cast<std::uint64_t>(it.st_blksize);
    reply.blocks = static_cast<std::uint64_t>(it.st_blocks);
    reply.atime_s = static_cast<std::uint64_t>(it.st_atim.tv_sec);
    reply.atime_ns = static_cast<std::uint64_t>(it.st_atim.tv_nsec);
    reply.mtime_s = static_cast<std::uint64_t>(it.st_mtim.tv_sec);
    reply.mtime_ns = static_cast<std::uint64_t>(it.st_mtim.tv_nsec);
    reply.ctime_s = static_cast<std::uint64_t>(it.st_ctim.tv_sec);
    reply.ctime_ns = static_cast<std::uint64_t>(it.st_ctim.tv_nsec);
    return reply;
}

}  // namespace

Body get_attributes(const HostFile& file) {
    const std::optional<struct stat> status = status_of_file(file);
    if (!status) return failure();
    UndoLog* const undo = file.share->undo();
    return to_reply(*status, undo == nullptr ? 0 : undo->kept_links(status->st_ino));
}

std::optional<Body> get_attributes_at_once(const HostFile& file) {
    if (file.share->waits() == WaitsFor::anything) return std::nullopt;
    const std::optional<struct stat> status = status_of_file(file);
    if (!status) return failure();
    UndoLog* const undo = file.share->undo();
    std::optional<std::uint64_t> kept = 0;
    if (undo != nullptr) kept = undo->kept_links_at_once(status->st_ino);
    if (!kept) return std::nullopt;
    return to_reply(*status, *kept);
}

Body set_attributes(const HostFile& file, const Tsetattr& request) {
    std::optional<struct stat> status = status_of(file.place.get());
    if (!status) return failure();
    std::string path = proc_path(file.place.get());
    if ((request.valid & setattr_uid) != 0 && request.uid != status->st_uid) return failure(EPERM);
    if ((request.valid & setattr_gid) != 0 && request.gid != status->st_gid) return failure(EPERM);
    if ((request.valid & setattr_mode) != 0) {
        if (S_ISLNK(status->st_mode)) return failure(EOPNOTSUPP);
        const NamesHeld names(*file.share);
        if (::chmod(path.c_str(), request.mode & 07777) != 0) return failure();
        if (names.undo() != nullptr) names.undo()->mode_changed(file.place.get(), status->st_mode);
    }
    if ((request.valid & setattr_size) != 0) {
        if (!S_ISREG(status->st_mode)) return failure(S_ISDIR(status->st_mode) ? EISDIR : EINVAL);
        if (request.size > static_cast<std::uint64_t>(INT64_MAX)) return failure(EFBIG);
        std::optional<UndoLog::Change> change;
        if (file.share->undo() != nullptr) {
            change.emplace(*file.share->undo(), file.place.get(), file.qid.path);
            if (!change->before_resize(request.size)) return failure();
        }
        auto size = static_cast<std::uint64_t>(status->st_size);
        std::uint64_t growth = request.size > size ? request.size - size : 0;
        if (!file.share->reserve(growth)) return failure(ENOSPC);
        if (::truncate(path.c_str(), static_cast<off_t>(request.size)) != 0) {
            int error = errno;
            file.share->release(growth);
            return failure(error);
        }
        if (request.size < size) file.share->release(size - request.size);
    }
    if ((request.valid & (setattr_atime | setattr_mtime)) != 0) {
        auto time = [&](std::uint32_t wanted, std::uint32_t given, std::uint64_t s, std::uint64_t ns) {
            if ((request.valid & wanted) == 0) return timespec{0, UTIME_OMIT};
            if ((request.valid & given) == 0) return timespec{0, UTIME_NOW};
            return timespec{static_cast<time_t>(s), static_cast<long>(ns)};
        };
        std::array<timespec, 2> times = {
            time(setattr_atime, setattr_atime_set, request.atime_s, request.atime_ns),
            time(setattr_mtime, setattr_mtime_set, request.mtime_s, request.mtime_ns)};
        if (::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) return failure();
    }
    return Rsetattr{};
}

std::optional<Body> file_system_status_at_once(const HostFile& file) {
    if (file.share->waits() == WaitsFor::anything) return std::nullopt;
    return file_system_status(file);
}

Body file_system_status(const HostFile& file) {
    struct statvfs host = {};
    if (::fstatvfs(file.place.get(), &host) != 0) return failure();
    Rstatfs reply;
    reply.kind = 0x01021997;  // V9FS_MAGIC
    reply.block_bytes = 4096;
    std::uint64_t host_blocks = host.f_blocks * host.f_frsize / reply.block_bytes;
    std::uint64_t host_free = host.f_bavail * host.f_frsize / reply.block_bytes;
    std::uint64_t quota = file.share->quota_bytes();
    std::uint64_t used = std::min(file.share->used_bytes(), quota);
    reply.blocks = quota == 0 ? host_blocks : quota / reply.block_bytes;
    reply.free = quota == 0 ? host_free : std::min(host_free, (quota - used) / reply.block_bytes);
    reply.available = reply.free;
    reply.files = host.f_files;
    reply.files_free = host.f_ffree;
    reply.name_length = max_name_bytes;
    return reply;
}

}  // namespace understudy::files
