// SPDX-License-Identifier: Apache-2.0
// What a file is, and changing that.
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace {

struct statvfs to_statvfs(const Rstatfs& it) {
    struct statvfs status = {};
    status.f_bsize = status.f_frsize = it.block_bytes;
    status.f_blocks = it.blocks;
    status.f_bfree = it.free;
    status.f_bavail = it.available;
    status.f_files = it.files;
    status.f_ffree = status.f_favail = it.files_free;
    status.f_namemax = it.name_length;
    return status;
}

}  // namespace

struct stat to_stat(const Rgetattr& it) {
    struct stat status = {};
    status.st_ino = it.qid.path;
    status.st_mode = it.mode;
    status.st_nlink = it.links;
    status.st_uid = ::getuid();
    status.st_gid = ::getgid();
    status.st_rdev = it.device;
    status.st_size = static_cast<off_t>(it.size);
    status.st_blksize = static_cast<blksize_t>(it.block_bytes);
    status.st_blocks = static_cast<blkcnt_t>(it.blocks);
    status.st_atim = {static_cast<time_t>(it.atime_s), static_cast<long>(it.atime_ns)};
    status.st_mtim = {static_cast<time_t>(it.mtime_s), static_cast<long>(it.mtime_ns)};
    status.st_ctim = {static_cast<time_t>(it.ctime_s), static_cast<long>(it.ctime_ns)};
    return status;
}

Filesystem::Task Filesystem::getattr(CallPtr call, fuse_ino_t inode, std::uint64_t id) {
    OpenFilePtr open = live_handle(id);
    std::uint32_t fid = open != nullptr ? open->fid : fid_of(inode);
    if (fid == no_fid || link_.fids().is_dead(fid)) {
        call->error(ESTALE);
        co_return;
    }
    std::optional<struct stat> recent = recent_status(call, inode);
    if (recent) {
        call->attributes(*recent, {});
        co_return;
    }
    const struct stat* known = cache_.status(number_of(inode));
    if (known != nullptr && link_.delegated_for() > Duration::zero() && !behind_.is_pending(known->st_ino)) {
        const struct stat status = *known;
        answer_attributes(call, inode, status, cache_.ask());
        co_return;
    }
    if (inode == FUSE_ROOT_ID)
        co_await root_attributes(std::move(call));
    else
        co_await attributes_of(std::move(call), fid, inode);
}

// Whoever unmounts asks for them first, and may not have to wait for a server that is away: it is told what
// they were.
Filesystem::Task Filesystem::root_attributes(CallPtr call) {
    const MetadataCache::Question question = cache_.ask();
    Body getattr_request = Tgetattr{root_fid};
    const std::optional<Answer> answer = co_await link_.call_while_ready(std::move(getattr_request));
    const struct stat status = to_stat(link_.root());
    if (!answer)
        call->attributes(status, {});
    else if (const int error = error_of<Rgetattr>(*answer); error != 0)
        call->error(error);
    else
        answer_attributes(call, FUSE_ROOT_ID, status, question);
}

// Asks for them.
Filesystem::Task Filesystem::attributes_of(CallPtr call, std::uint32_t fid, fuse_ino_t inode) {
    if (auto known = inodes_.find(inode); known != inodes_.end())
        co_await behind_.written(known->second.number);
    const MetadataCache::Question question = cache_.ask();
    Body getattr_request = Tgetattr{fid};
    Answer answer = co_await ask(call, std::move(getattr_request));
    if (int error = error_of<Rgetattr>(answer); error != 0) {
        call->error(error);
        co_return;
    }
    const struct stat status = to_stat(std::get<Rgetattr>(answer.body));
    ahead_.drop(status.st_ino);  // whoever looks whether it has changed reads what it is now
    answer_attributes(call, inode, status, question);
}

void Filesystem::answer_attributes(const CallPtr& call, fuse_ino_t inode, const struct stat& status,
                                   const MetadataCache::Question& question) {
    Duration validity{};
    const auto known = inodes_.find(inode);
    if (known != inodes_.end() && !behind_.is_pending(status.st_ino) &&
        cache_.holds(question, status.st_ino)) {
        cache_.remember(question, status);
        known->second.attributes_kept = true;
        validity = link_.delegated_for();
    }
    call->attributes(status, validity);
}

Filesystem::Task Filesystem::setattr(CallPtr call, fuse_ino_t inode, struct stat wanted, int which,
                                     std::uint64_t id) {
    OpenFilePtr open = handle(id);
    std::uint32_t fid = open != nullptr ? open->fid : fid_of(inode);
    if (fid == no_fid || link_.fids().is_dead(fid)) {
        call->error(ESTALE);
        co_return;
    }
    if (auto known = inodes_.find(inode); known != inodes_.end())
        co_await behind_.written(known->second.number);
    const std::uint64_t number = link_.fids().qid(fid).path;
    Tsetattr request;
    request.fid = fid;
    auto want = [&](int fuse_bit, std::uint32_t bits) {
        if ((which & fuse_bit) != 0) request.valid |= bits;
    };
    want(FUSE_SET_ATTR_MODE, setattr_mode);
    want(FUSE_SET_ATTR_SIZE, setattr_size);
    want(FUSE_SET_ATTR_ATIME, setattr_atime | setattr_atime_set);
    want(FUSE_SET_ATTR_MTIME, setattr_mtime | setattr_mtime_set);
    want(FUSE_SET_ATTR_ATIME_NOW, setattr_atime);
    want(FUSE_SET_ATTR_MTIME_NOW, setattr_mtime);
    if ((which & FUSE_SET_ATTR_ATIME_NOW) != 0)
        request.valid &= ~static_cast<std::uint32_t>(setattr_atime_set);
    if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0)
        request.valid &= ~static_cast<std::uint32_t>(setattr_mtime_set);
    request.mode = wanted.st_mode;
    request.size = static_cast<std::uint64_t>(wanted.st_size);
    request.atime_s = static_cast<std::uint64_t>(wanted.st_atim.tv_sec);
    request.atime_ns = static_cast<std::uint64_t>(wanted.st_atim.tv_nsec);
    request.mtime_s = static_cast<std::uint64_t>(wanted.st_mtim.tv_sec);
    request.mtime_ns = static_cast<std::uint64_t>(wanted.st_mtim.tv_nsec);
    if (request.valid != 0) {
        cache_.changed(number);
        // Both at once: a server serves the requests on one fid in their order.
        RequestPtr change = link_.send(request, call->answered()),
                   status = link_.send(Tgetattr{fid}, call->answered());
        Answer changed = co_await link_.answer(std::move(change));
        Answer answer = co_await link_.answer(std::move(status));
        ahead_.drop(number);
        cache_.changed(number);
        int error = error_of<Rsetattr>(changed);
        if (error == 0) error = error_of<Rgetattr>(answer);
        if (error != 0)
            call->error(error);
        else
            call->attributes(to_stat(std::get<Rgetattr>(answer.body)), {});
        co_return;
    }
    co_await attributes_of(std::move(call), fid, inode);
}

Filesystem::Task Filesystem::statfs(CallPtr call) {
    if (link_.is_ready()) {
        co_await behind_.all_written();  // for what is left
        Body statfs_request = Tstatfs{root_fid};
        const std::optional<Answer> answer = co_await link_.call_while_ready(std::move(statfs_request));
        if (const int error = answer ? error_of<Rstatfs>(*answer) : 0; error != 0) {
            call->error(error);
            co_return;
        }
    }
    call->status(
        to_statvfs(link_.space()));  // of before, if the server is away: umount(8) asks for this, too
}

}  // namespace understudy::files
