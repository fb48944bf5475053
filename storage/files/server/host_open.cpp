// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "storage/files/server/host_at_once.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/host_places.hpp"

namespace understudy::files {

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
    std::optional<UndoLog::Change> change;
    if ((flags & O_TRUNC) != 0 && file.share->undo() != nullptr) {
        change.emplace(*file.share->undo(), file.place.get(), file.qid.path);
        if (!change->before_resize(0)) return failure();
    }
    opened.opened.reset(::open(proc_path(file.place.get()).c_str(), flags | O_CLOEXEC));
    if (!opened.opened.valid()) return failure();
    if ((flags & O_TRUNC) != 0) file.share->release(static_cast<std::uint64_t>(status->st_size));
    opened.place.reset(::fcntl(file.place.get(), F_DUPFD_CLOEXEC, 0));
    if (!opened.place.valid()) return failure();
    opened.share = file.share;
    opened.path = file.path;
    opened.qid = file.qid;
    opened.append = (flags & O_APPEND) != 0;
    opened.writes_through = (flags & O_DSYNC) != 0;  // O_SYNC has that bit too
    return Rlopen{file.qid, io_unit};
}

std::optional<Body> open_file_at_once(const HostFile& file, const Tlopen& request, std::uint32_t io_unit,
                                      HostFile& opened) {
    if (file.share->waits() == WaitsFor::anything || (request.flags & O_TRUNC) != 0) return std::nullopt;
    return open_file(file, request, io_unit, opened);
}

Body create_file(const HostFile& directory, const Tlcreate& request, std::uint32_t io_unit,
                 HostFile& created) {
    if (directory.opened.valid() || directory.is_attribute) return failure(EINVAL);
    if (!is_one_name(request.name)) return failure(EINVAL);
    int flags =
        (static_cast<int>(request.flags) & (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_EXCL)) |
        O_CREAT;
    std::uint64_t freed = (flags & O_TRUNC) != 0 ? bytes_freed_by(directory.place.get(), request.name) : 0;
    const NamesHeld names(*directory.share);
    std::optional<UndoLog::Change> change;
    bool existed = false;
    if (names.undo() != nullptr) {
        const io::UniqueFd before = place_of(directory.place.get(), request.name);
        const std::optional<struct stat> held = before.valid() ? status_of(before.get()) : std::nullopt;
        existed = held.has_value();
        if (held && (flags & (O_TRUNC | O_EXCL)) == O_TRUNC && S_ISREG(held->st_mode)) {
            change.emplace(*directory.share->undo(), before.get(), held->st_ino);
            if (!change->before_resize(0)) return failure();
        }
    }
    // O_NONBLOCK: a FIFO of that name must not hold the file pool.
    io::UniqueFd opened =
        open_beneath(directory.place.get(), request.name, flags | O_NONBLOCK, request.mode & 07777);
    if (!opened.valid()) return failure();
    std::optional<struct stat> status = status_of(opened.get());
    if (!status) return failure();
    if (!S_ISREG(status->st_mode)) return failure(EOPNOTSUPP);
    directory.share->release(freed);
    if (names.undo() != nullptr && !existed)
        names.undo()->created(directory.place.get(), request.name, false);
    io::UniqueFd place = place_of(directory.place.get(), request.name);
    if (!place.valid()) return failure();
    created.share = directory.share;
    created.place = std::move(place);
    created.opened = std::move(opened);
    created.path = joined(directory.path, request.name);
    created.qid = qid_of(*status);
    created.append = (flags & O_APPEND) != 0;
    created.writes_through = (flags & O_DSYNC) != 0;
    return Rlcreate{created.qid, io_unit};
}

}  // namespace understudy::files
