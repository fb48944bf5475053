// SPDX-License-Identifier: Apache-2.0
// libfuse's callbacks: each copies what is only lent to it and starts the operation's coroutine.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include "storage/files/mount/filesystem.hpp"
#include "storage/files/mount/fuse_session.hpp"

namespace understudy::files {
namespace {

constexpr std::uint32_t remove_directory = 0x200;  // AT_REMOVEDIR in Tunlinkat

Filesystem& filesystem(fuse_req_t request) {
    return static_cast<FuseSession*>(fuse_req_userdata(request))->filesystem();
}
std::uint64_t handle_of(const fuse_file_info* info) {
    return info == nullptr ? 0 : info->fh;
}

void init(void* data, fuse_conn_info* connection) {
    static_cast<void>(data);
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_WRITEBACK_CACHE);
    connection->want |=
        connection->capable & (FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_ATOMIC_O_TRUNC);
    constexpr unsigned page_bytes = 4096;
    connection->max_write = (max_message_bytes - read_write_overhead) / page_bytes * page_bytes;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.lookup(fs.begin(request), parent, name));
}
void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t count) {
    filesystem(request).forget(inode, count);
    fuse_reply_none(request);
}
void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
    for (std::size_t i = 0; i < count; ++i) filesystem(request).forget(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}
void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.getattr(fs.begin(request), inode, handle_of(info)));
}
void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.setattr(fs.begin(request), inode, *wanted, which, handle_of(info)));
}
void readlink(fuse_req_t request, fuse_ino_t inode) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.readlink(fs.begin(request), inode));
}
void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
    Filesystem& fs = filesystem(request);
    Tmknod body{fs.fid_of(parent), name, mode, major(device), minor(device), 0};
    fs.spawn(fs.make(fs.begin(request), parent, name, std::move(body)));
}
void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.make(fs.begin(request), parent, name, Tmkdir{fs.fid_of(parent), name, mode, 0}));
}
void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.make(fs.begin(request), parent, name, Tsymlink{fs.fid_of(parent), name, target, 0}));
}
void link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.link(fs.begin(request), inode, parent, name));
}
void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.remove(fs.begin(request), parent, name, 0));
}
void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.remove(fs.begin(request), parent, name, remove_directory));
}
void rename(fuse_req_t request, fuse_ino_t from, const char* name, fuse_ino_t to, const char* new_name,
            unsigned flags) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.rename(fs.begin(request), from, name, to, new_name, flags));
}
void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.open(fs.begin(request), inode, *info));
}
void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.create(fs.begin(request), parent, name, mode, *info));
}
void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.read(fs.begin(request), info->fh, size, static_cast<std::uint64_t>(offset)));
}
void write(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    const auto at = static_cast<std::uint64_t>(offset);
    if (info->writepage != 0)
        fs.spawn(fs.write_pages(fs.begin(request), inode, info->fh, std::string(data, size), at));
    else
        fs.spawn(fs.write(fs.begin(request), info->fh, std::string(data, size), at));
}
void flush(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.flush(fs.begin(request), info->fh, info->lock_owner));
}
void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.release(fs.begin(request), info->fh, info->flock_release != 0, info->lock_owner));
}
void fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.fsync(fs.begin(request), info->fh, data_only != 0));
}
void readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.readdir(fs.begin(request), info->fh, size, static_cast<std::uint64_t>(offset)));
}
void statfs(fuse_req_t request, fuse_ino_t) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.statfs(fs.begin(request)));
}
void getlk(fuse_req_t request, fuse_ino_t, fuse_file_info* info, struct flock* lock) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.getlk(fs.begin(request), info->fh, info->lock_owner, *lock));
}
void setlk(fuse_req_t request, fuse_ino_t, fuse_file_info* info, struct flock* lock, int sleep) {
    Filesystem& fs = filesystem(request);
    fs.spawn(
        fs.setlk(fs.begin(request), info->fh, Filesystem::range_lock(info->lock_owner, *lock), sleep != 0));
}
void flock(fuse_req_t request, fuse_ino_t, fuse_file_info* info, int operation) {
    Filesystem& fs = filesystem(request);
    constexpr int no_wait = 4;  // LOCK_NB
    fs.spawn(fs.setlk(fs.begin(request), info->fh, Filesystem::whole_file_lock(info->lock_owner, operation),
                      (operation & no_wait) == 0));
}

void getxattr(fuse_req_t request, fuse_ino_t inode, const char* name, std::size_t size) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.getxattr(fs.begin(request), inode, name, size));
}
void listxattr(fuse_req_t request, fuse_ino_t inode, std::size_t size) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.getxattr(fs.begin(request), inode, {}, size));
}
void setxattr(fuse_req_t request, fuse_ino_t inode, const char* name, const char* value, std::size_t size,
              int flags) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.setxattr(fs.begin(request), inode, name, std::string(value, size), flags));
}
void removexattr(fuse_req_t request, fuse_ino_t inode, const char* name) {
    Filesystem& fs = filesystem(request);
    fs.spawn(fs.removexattr(fs.begin(request), inode, name));
}

}  // namespace

const fuse_lowlevel_ops& filesystem_operations() {
    static const fuse_lowlevel_ops operations = [] {
        fuse_lowlevel_ops all = {};
        all.init = init;
        all.lookup = lookup;
        all.forget = forget;
        all.forget_multi = forget_multi;
        all.getattr = getattr;
        all.setattr = setattr;
        all.readlink = readlink;
        all.mknod = mknod;
        all.mkdir = mkdir;
        all.symlink = symlink;
        all.link = link;
        all.unlink = unlink;
        all.rmdir = rmdir;
        all.rename = rename;
        all.open = open;
        all.create = create;
        all.read = read;
        all.write = write;
        all.flush = flush;
        all.release = release;
        all.fsync = fsync;
        all.opendir = open;
        all.readdir = readdir;
        all.releasedir = release;
        all.fsyncdir = fsync;
        all.statfs = statfs;
        all.getxattr = getxattr;
        all.listxattr = listxattr;
        all.setxattr = setxattr;
        all.removexattr = removexattr;
        all.getlk = getlk;
        all.setlk = setlk;
        all.flock = flock;
        return all;
    }();
    return operations;
}

}  // namespace understudy::files
