// SPDX-License-Identifier: Apache-2.0
#define FUSE_USE_VERSION 314
#include "sim/bench/files/local_fuse.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <mutex>

#include "base/io/unique_fd.hpp"
#include "storage/files/mount/mountpoint.hpp"

namespace understudy::bench {
namespace {

struct Inode {
    io::UniqueFd path;  // O_PATH
    ino_t number = 0;
    std::uint64_t lookups = 0;
};

// The kernel's number of an inode is its address. One for each file: the kernel caches by it.
class Folder {
  public:
    explicit Folder(int root) { root_.path.reset(root); }

    Inode& at(fuse_ino_t number) {
        return number == FUSE_ROOT_ID ? root_ : *reinterpret_cast<Inode*>(number);
    }
    int path(fuse_ino_t number) { return at(number).path.get(); }
    std::string proc_path(fuse_ino_t number) { return fmt::format("/proc/self/fd/{}", path(number)); }

    int find(fuse_ino_t parent, const char* name, fuse_entry_param& entry) {
        io::UniqueFd found(::openat(path(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!found.valid() || ::fstat(found.get(), &entry.attr) != 0) return errno;
        const std::lock_guard guard(mutex_);
        auto& inode = inodes_[entry.attr.st_ino];
        if (inode == nullptr) inode = std::make_unique<Inode>(Inode{std::move(found), entry.attr.st_ino, 0});
        ++inode->lookups;
        entry.ino = reinterpret_cast<fuse_ino_t>(inode.get());
        return 0;
    }
    void forget(fuse_ino_t number, std::uint64_t count) {
        if (number == FUSE_ROOT_ID) return;
        const std::lock_guard guard(mutex_);
        Inode& inode = at(number);
        if ((inode.lookups -= count) == 0) inodes_.erase(inode.number);
    }

  private:
    Inode root_;
    std::mutex mutex_;
    std::map<ino_t, std::unique_ptr<Inode>> inodes_;
};

Folder& folder(fuse_req_t request) {
    return *static_cast<Folder*>(fuse_req_userdata(request));
}
int descriptor(const fuse_file_info* info) {
    return static_cast<int>(info->fh);
}
void reply_outcome(fuse_req_t request, int result) {
    fuse_reply_err(request, result == 0 ? 0 : errno);
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    fuse_entry_param entry = {};
    if (const int failure = folder(request).find(parent, name, entry); failure != 0)
        fuse_reply_err(request, failure);
    else
        fuse_reply_entry(request, &entry);
}

void forget(fuse_req_t request, fuse_ino_t number, std::uint64_t count) {
    folder(request).forget(number, count);
    fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info*) {
    struct stat status = {};
    if (::fstat(folder(request).path(number), &status) != 0)
        fuse_reply_err(request, errno);
    else
        fuse_reply_attr(request, &status, 0);
}

void setattr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int which, fuse_file_info* info) {
    const std::string path = folder(request).proc_path(number);
    if ((which & ~(FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE)) != 0)
        fuse_reply_err(request, ENOSYS);
    else if (((which & FUSE_SET_ATTR_SIZE) != 0 && ::truncate(path.c_str(), wanted->st_size) != 0) ||
             ((which & FUSE_SET_ATTR_MODE) != 0 && ::chmod(path.c_str(), wanted->st_mode) != 0))
        fuse_reply_err(request, errno);
    else
        getattr(request, number, info);
}

void make_folder(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    if (::mkdirat(folder(request).path(parent), name, mode) != 0)
        fuse_reply_err(request, errno);
    else
        lookup(request, parent, name);
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_outcome(request, ::unlinkat(folder(request).path(parent), name, 0));
}

void remove_folder(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_outcome(request, ::unlinkat(folder(request).path(parent), name, AT_REMOVEDIR));
}

void open(fuse_req_t request, fuse_ino_t number, fuse_file_info* info) {
    const int file = ::open(folder(request).proc_path(number).c_str(), info->flags & ~O_NOFOLLOW);
    if (file < 0) {
        fuse_reply_err(request, errno);
        return;
    }
    info->fh = static_cast<std::uint64_t>(file);
    info->direct_io = 1;
    fuse_reply_open(request, info);
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
    const int file = ::openat(folder(request).path(parent), name, info->flags | O_CREAT | O_NOFOLLOW, mode);
    fuse_entry_param entry = {};
    const int failure = file < 0 ? errno : folder(request).find(parent, name, entry);
    if (failure != 0) {
        if (file >= 0) ::close(file);
        fuse_reply_err(request, failure);
        return;
    }
    info->fh = static_cast<std::uint64_t>(file);
    info->direct_io = 1;
    fuse_reply_create(request, &entry, info);
}

void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    fuse_bufvec from = FUSE_BUFVEC_INIT(size);
    from.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    from.buf[0].fd = descriptor(info);
    from.buf[0].pos = offset;
    fuse_reply_data(request, &from, FUSE_BUF_SPLICE_MOVE);
}

void write(fuse_req_t request, fuse_ino_t, fuse_bufvec* from, off_t offset, fuse_file_info* info) {
    fuse_bufvec to = FUSE_BUFVEC_INIT(fuse_buf_size(from));
    to.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    to.buf[0].fd = descriptor(info);
    to.buf[0].pos = offset;
    const ssize_t written = fuse_buf_copy(&to, from, static_cast<fuse_buf_copy_flags>(0));
    if (written < 0)
        fuse_reply_err(request, static_cast<int>(-written));
    else
        fuse_reply_write(request, static_cast<std::size_t>(written));
}

void flush(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    fuse_reply_err(request, 0);
}

void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    reply_outcome(request, ::close(descriptor(info)));
}

void fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
    reply_outcome(request, data_only != 0 ? ::fdatasync(descriptor(info)) : ::fsync(descriptor(info)));
}

// Not to be waited for: the bench doesn't.
void set_lock(fuse_req_t request, fuse_ino_t, fuse_file_info* info, struct flock* lock, int) {
    lock->l_pid = 0;
    reply_outcome(request, ::fcntl(descriptor(info), F_OFD_SETLK, lock));
}

// libfuse asks for locks only where this is there too.
void get_lock(fuse_req_t request, fuse_ino_t, fuse_file_info* info, struct flock* lock) {
    lock->l_pid = 0;
    if (::fcntl(descriptor(info), F_OFD_GETLK, lock) != 0)
        fuse_reply_err(request, errno);
    else
        fuse_reply_lock(request, lock);
}

fuse_lowlevel_ops operations() {
    fuse_lowlevel_ops all = {};
    all.lookup = lookup;
    all.forget = forget;
    all.getattr = getattr;
    all.setattr = setattr;
    all.mkdir = make_folder;
    all.unlink = unlink;
    all.rmdir = remove_folder;
    all.open = open;
    all.create = create;
    all.read = read;
    all.write_buf = write;
    all.flush = flush;
    all.release = release;
    all.fsync = fsync;
    all.getlk = get_lock;
    all.setlk = set_lock;
    return all;
}

}  // namespace

int serve_local_fuse(const std::string& path, const std::string& mountpoint) {
    Folder served(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto mounted = files::Mountpoint::mount(mountpoint, "local");
    if (mounted.has_error()) {
        fmt::print(stderr, "understudy-bench: {}\n", mounted.error().message());
        return 1;
    }
    // It is mounted without blocking, for an event loop; the loop of libfuse wants to wait in read().
    ::fcntl(mounted->descriptor(), F_SETFL, O_RDWR);
    std::string name = "local";
    std::array<char*, 2> arguments = {name.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
    const fuse_lowlevel_ops all = operations();
    fuse_session* session = fuse_session_new(&args, &all, sizeof(all), &served);
    if (session == nullptr ||
        fuse_session_mount(session, fmt::format("/dev/fd/{}", mounted->descriptor()).c_str()) != 0) {
        fmt::print(stderr, "understudy-bench: libfuse: refuses to serve {}\n", mountpoint);
        return 1;
    }
    fuse_loop_config* threads = fuse_loop_cfg_create();
    fuse_loop_cfg_set_clone_fd(threads, 1);
    fuse_session_loop_mt(session, threads);
    return 1;  // it was not to end
}

}  // namespace understudy::bench
