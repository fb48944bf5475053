// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/host_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "storage/files/core/codec.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_name_bytes = 255;

bool is_one_name(const std::string& name) {
    return !name.empty() && name.size() <= max_name_bytes && name != "." && name != ".." &&
           name.find('/') == std::string::npos;
}

io::UniqueFd open_beneath(int directory, const std::string& name, int flags, mode_t mode = 0) {
    open_how how = {};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    // The last component may be a symbolic link itself when only its place is wanted.
    if ((flags & O_PATH) == 0) how.resolve |= RESOLVE_NO_SYMLINKS;
    return io::UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
}

io::UniqueFd place_of(int directory, const std::string& name) {
    return open_beneath(directory, name, O_PATH | O_NOFOLLOW);
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

// How many bytes of quota go when `name` loses its last link.
std::uint64_t bytes_freed_by(int directory, const std::string& name) {
    struct stat status = {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return S_ISREG(status.st_mode) && status.st_nlink == 1 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// The parent directory and name of a file that is known by its descriptor only, from /proc, as it is called
// now.
struct Parent {
    io::UniqueFd directory;
    std::string name;
};
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

template <typename Reply>
Body made(int directory, const std::string& name) {
    io::UniqueFd place = place_of(directory, name);
    std::optional<struct stat> status = place.valid() ? status_of(place.get()) : std::nullopt;
    if (!status) return failure();
    return Reply{qid_of(*status)};
}

}  // namespace

Body failure(int error) {
    return Rlerror{static_cast<std::uint32_t>(error == 0 ? EIO : error)};
}

std::string proc_path(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

Body attach_root(std::shared_ptr<Share> share, HostFile& root) {
    root.place.reset(::fcntl(share->root(), F_DUPFD_CLOEXEC, 0));
    std::optional<struct stat> status = status_of(root.place.get());
    if (!status) return failure();
    root.share = std::move(share);
    root.path = "/";
    root.qid = qid_of(*status);
    root.is_root = true;
    return Rattach{root.qid};
}

Body walk(const HostFile& from, const Twalk& request, HostFile& to) {
    if (from.is_attribute) return failure(EINVAL);
    Rwalk reply;
    io::UniqueFd at(::fcntl(from.place.get(), F_DUPFD_CLOEXEC, 0));
    if (!at.valid()) return failure();
    Qid qid = from.qid;
    std::string path = from.path;
    for (const std::string& name : request.names) {
        int error = 0;
        io::UniqueFd next;
        if (!is_one_name(name)) {
            error = name.size() > max_name_bytes ? ENAMETOOLONG : EINVAL;
        } else {
            next = place_of(at.get(), name);
            if (!next.valid()) error = errno;
        }
        std::optional<struct stat> status = next.valid() ? status_of(next.get()) : std::nullopt;
        if (error == 0 && !status) error = errno;
        if (error != 0) {
            if (reply.qids.empty()) return failure(error);
            return reply;  // the names up to here were found; the new fid is not made
        }
        at = std::move(next);
        qid = qid_of(*status);
        path = joined(path, name);
        reply.qids.push_back(qid);
    }
    to.share = from.share;
    to.path = std::move(path);
    to.place = std::move(at);
    to.qid = qid;
    return reply;
}

Body open_file(const HostFile& file, const Tlopen& request, std::uint32_t io_unit, HostFile& opened) {
    if (file.opened.valid() || file.is_attribute) return failure(EINVAL);
    std::optional<struct stat> status = status_of(file.place.get());
    if (!status) return failure();
    if (S_ISLNK(status->st_mode)) return failure(ELOOP);
    bool directory = S_ISDIR(status->st_mode);
    if (!directory && !S_ISREG(status->st_mode)) return failure(EOPNOTSUPP);
    int flags =
        static_cast<int>(request.flags) & (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_DIRECTORY);
    if (directory) flags = (flags & O_ACCMODE) | O_DIRECTORY;
    opened.opened.reset(::open(proc_path(file.place.get()).c_str(), flags | O_CLOEXEC));
    if (!opened.opened.valid()) return failure();
    if ((flags & O_TRUNC) != 0) file.share->release(static_cast<std::uint64_t>(status->st_size));
    opened.place.reset(::fcntl(file.place.get(), F_DUPFD_CLOEXEC, 0));
    if (!opened.place.valid()) return failure();
    opened.share = file.share;
    opened.path = file.path;
    opened.qid = file.qid;
    opened.append = (flags & O_APPEND) != 0;
    return Rlopen{file.qid, io_unit};
}

Body create_file(const HostFile& directory, const Tlcreate& request, std::uint32_t io_unit,
                 HostFile& created) {
    if (directory.opened.valid() || directory.is_attribute) return failure(EINVAL);
    if (!is_one_name(request.name)) return failure(EINVAL);
    int flags =
        (static_cast<int>(request.flags) & (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_EXCL)) |
        O_CREAT;
    std::uint64_t freed = (flags & O_TRUNC) != 0 ? bytes_freed_by(directory.place.get(), request.name) : 0;
    // O_NONBLOCK: a FIFO of that name must not hold the file pool.
    io::UniqueFd opened =
        open_beneath(directory.place.get(), request.name, flags | O_NONBLOCK, request.mode & 07777);
    if (!opened.valid()) return failure();
    std::optional<struct stat> status = status_of(opened.get());
    if (!status) return failure();
    if (!S_ISREG(status->st_mode)) return failure(EOPNOTSUPP);
    directory.share->release(freed);
    io::UniqueFd place = place_of(directory.place.get(), request.name);
    if (!place.valid()) return failure();
    created.share = directory.share;
    created.place = std::move(place);
    created.opened = std::move(opened);
    created.path = joined(directory.path, request.name);
    created.qid = qid_of(*status);
    created.append = (flags & O_APPEND) != 0;
    return Rlcreate{created.qid, io_unit};
}

Body read_file(const HostFile& file, const Tread& request) {
    Rread reply;
    if (file.is_attribute) {
        if (request.offset < file.attribute.size())
            reply.data.value = file.attribute.substr(request.offset, request.count);
        return reply;
    }
    if (!file.opened.valid()) return failure(EBADF);
    if (request.offset > static_cast<std::uint64_t>(INT64_MAX)) return failure(EINVAL);
    reply.data.value.resize(request.count);
    std::size_t done = 0;
    while (done < reply.data.value.size()) {
        ssize_t count = ::pread(file.opened.get(), reply.data.value.data() + done,
                                reply.data.value.size() - done, static_cast<off_t>(request.offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && done == 0) return failure();
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    reply.data.value.resize(done);
    return reply;
}

Body write_file(const HostFile& file, const Twrite& request) {
    if (!file.opened.valid()) return failure(EBADF);
    if (request.offset > static_cast<std::uint64_t>(INT64_MAX) - request.data.value.size())
        return failure(EFBIG);
    std::optional<struct stat> status = status_of(file.opened.get());
    if (!status) return failure();
    auto size = static_cast<std::uint64_t>(status->st_size);
    std::uint64_t begin = file.append ? size : request.offset;
    std::uint64_t end = begin + request.data.value.size();
    std::uint64_t wanted = end > size ? end - size : 0;
    std::uint64_t growth = file.share->reserve_up_to(wanted);
    // A disk that fills up takes what fits and refuses the rest.
    std::string_view data = request.data.value;
    if (growth < wanted) {
        std::uint64_t fits = size + growth > begin ? size + growth - begin : 0;
        if (fits == 0 && !data.empty()) {
            file.share->release(growth);
            return failure(ENOSPC);
        }
        data = data.substr(0, fits);
    }
    std::size_t done = 0;
    int error = 0;
    while (done < data.size()) {
        ssize_t count = ::pwrite(file.opened.get(), data.data() + done, data.size() - done,
                                 static_cast<off_t>(request.offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) error = errno;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    if (done < data.size()) file.share->release(std::min<std::uint64_t>(growth, data.size() - done));
    if (done == 0 && error != 0) return failure(error);
    return Rwrite{static_cast<std::uint32_t>(done)};
}

Body sync_file(const HostFile& file, const Tfsync& request) {
    if (!file.opened.valid()) return failure(EBADF);
    int result = request.data_only != 0 ? ::fdatasync(file.opened.get()) : ::fsync(file.opened.get());
    if (result != 0) return failure();
    return Rfsync{};
}

Body read_directory(const HostFile& directory, const Treaddir& request) {
    if (!directory.opened.valid()) return failure(EBADF);
    struct Entry {  // linux_dirent64
        std::uint64_t inode;
        std::int64_t next;
        std::uint16_t length;
        std::uint8_t type;
        char name[1];
    };
    constexpr std::size_t name_at = 19;
    if (::lseek(directory.opened.get(), static_cast<off_t>(request.offset), SEEK_SET) < 0) return failure();
    Rreaddir reply;
    alignas(8) std::array<char, 32 * 1024> raw;
    bool full = false;
    while (!full) {
        long count = ::syscall(SYS_getdents64, directory.opened.get(), raw.data(), raw.size());
        if (count < 0) return reply.entries.value.empty() ? failure() : Body(reply);
        if (count == 0) break;
        for (long at = 0; at < count && !full;) {
            const char* here = raw.data() + at;
            Entry head = {};
            std::copy(here, here + name_at, reinterpret_cast<char*>(&head));
            DirectoryEntry entry;
            entry.qid.path = head.inode;
            entry.qid.type = static_cast<std::uint8_t>(head.type == DT_DIR   ? QidType::directory
                                                       : head.type == DT_LNK ? QidType::symlink
                                                                             : QidType::file);
            entry.next_offset = static_cast<std::uint64_t>(head.next);
            entry.type = head.type;
            entry.name = here + name_at;
            full = !append_entry(reply.entries.value, entry, request.count);
            at += head.length;
        }
    }
    return reply;
}

Body get_attributes(const HostFile& file) {
    std::optional<struct stat> status = status_of(file.opened.valid() ? file.opened.get() : file.place.get());
    if (!status) return failure();
    Rgetattr reply;
    reply.valid = getattr_basic;
    reply.qid = qid_of(*status);
    reply.mode = status->st_mode;
    reply.uid = status->st_uid;
    reply.gid = status->st_gid;
    reply.links = status->st_nlink;
    reply.device = status->st_rdev;
    reply.size = static_cast<std::uint64_t>(status->st_size);
    reply.block_bytes = static_cast<std::uint64_t>(status->st_blksize);
    reply.blocks = static_cast<std::uint64_t>(status->st_blocks);
    reply.atime_s = static_cast<std::uint64_t>(status->st_atim.tv_sec);
    reply.atime_ns = static_cast<std::uint64_t>(status->st_atim.tv_nsec);
    reply.mtime_s = static_cast<std::uint64_t>(status->st_mtim.tv_sec);
    reply.mtime_ns = static_cast<std::uint64_t>(status->st_mtim.tv_nsec);
    reply.ctime_s = static_cast<std::uint64_t>(status->st_ctim.tv_sec);
    reply.ctime_ns = static_cast<std::uint64_t>(status->st_ctim.tv_nsec);
    return reply;
}

Body set_attributes(const HostFile& file, const Tsetattr& request) {
    std::optional<struct stat> status = status_of(file.place.get());
    if (!status) return failure();
    std::string path = proc_path(file.place.get());
    if ((request.valid & setattr_uid) != 0 && request.uid != status->st_uid) return failure(EPERM);
    if ((request.valid & setattr_gid) != 0 && request.gid != status->st_gid) return failure(EPERM);
    if ((request.valid & setattr_mode) != 0) {
        if (S_ISLNK(status->st_mode)) return failure(EOPNOTSUPP);
        if (::chmod(path.c_str(), request.mode & 07777) != 0) return failure();
    }
    if ((request.valid & setattr_size) != 0) {
        if (!S_ISREG(status->st_mode)) return failure(S_ISDIR(status->st_mode) ? EISDIR : EINVAL);
        if (request.size > static_cast<std::uint64_t>(INT64_MAX)) return failure(EFBIG);
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

Body make_directory(const HostFile& directory, const Tmkdir& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    if (::mkdirat(directory.place.get(), request.name.c_str(), request.mode & 07777) != 0) return failure();
    return made<Rmkdir>(directory.place.get(), request.name);
}

Body make_symlink(const HostFile& directory, const Tsymlink& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    if (::symlinkat(request.target.c_str(), directory.place.get(), request.name.c_str()) != 0)
        return failure();
    return made<Rsymlink>(directory.place.get(), request.name);
}

Body make_node(const HostFile& directory, const Tmknod& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    mode_t kind = request.mode & S_IFMT;
    if (kind != S_IFREG && kind != S_IFIFO) return failure(EPERM);
    if (::mknodat(directory.place.get(), request.name.c_str(), kind | (request.mode & 07777), 0) != 0)
        return failure();
    return made<Rmknod>(directory.place.get(), request.name);
}

Body make_link(const HostFile& directory, const HostFile& file, const std::string& name) {
    if (!is_one_name(name) || file.share != directory.share) return failure(EINVAL);
    // Linking by descriptor needs AT_EMPTY_PATH's privilege; through /proc it needs none.
    if (::linkat(AT_FDCWD, proc_path(file.place.get()).c_str(), directory.place.get(), name.c_str(),
                 AT_SYMLINK_FOLLOW) != 0)
        return failure();
    return Rlink{};
}

Body read_link(const HostFile& file) {
    std::array<char, PATH_MAX> target = {};
    ssize_t length = ::readlinkat(file.place.get(), "", target.data(), target.size());
    if (length < 0) return failure();
    return Rreadlink{std::string(target.data(), static_cast<std::size_t>(length))};
}

Body unlink_at(const HostFile& directory, const std::string& name, std::uint32_t flags) {
    if (!is_one_name(name)) return failure(EINVAL);
    std::uint64_t freed = bytes_freed_by(directory.place.get(), name);
    int how = (flags & AT_REMOVEDIR) != 0 ? AT_REMOVEDIR : 0;
    if (::unlinkat(directory.place.get(), name.c_str(), how) != 0) return failure();
    directory.share->release(freed);
    return Runlinkat{};
}

Body rename_at(const HostFile& from, const std::string& old_name, const HostFile& to,
               const std::string& new_name) {
    if (!is_one_name(old_name) || !is_one_name(new_name) || from.share != to.share) return failure(EINVAL);
    struct stat before = {}, after = {};
    bool same = ::fstatat(from.place.get(), old_name.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0 &&
                ::fstatat(to.place.get(), new_name.c_str(), &after, AT_SYMLINK_NOFOLLOW) == 0 &&
                before.st_ino == after.st_ino;
    std::uint64_t freed = same ? 0 : bytes_freed_by(to.place.get(), new_name);
    if (::renameat(from.place.get(), old_name.c_str(), to.place.get(), new_name.c_str()) != 0)
        return failure();
    from.share->release(freed);
    return Rrenameat{};
}

Body rename_file(const HostFile& file, const HostFile& to, const std::string& new_name) {
    std::optional<Parent> parent = parent_of(file);
    if (!parent) return failure(ENOENT);
    HostFile from;
    from.share = file.share;
    from.place = std::move(parent->directory);
    Body reply = rename_at(from, parent->name, to, new_name);
    return std::holds_alternative<Rrenameat>(reply) ? Body(Rrename{}) : reply;
}

Body remove_file(const HostFile& file) {
    std::optional<Parent> parent = parent_of(file);
    if (!parent) return failure(ENOENT);
    HostFile from;
    from.share = file.share;
    from.place = std::move(parent->directory);
    std::uint32_t flags = file.qid.type == static_cast<std::uint8_t>(QidType::directory) ? AT_REMOVEDIR : 0;
    Body reply = unlink_at(from, parent->name, flags);
    return std::holds_alternative<Runlinkat>(reply) ? Body(Rremove{}) : reply;
}

}  // namespace understudy::files
