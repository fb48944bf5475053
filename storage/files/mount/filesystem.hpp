// SPDX-License-Identifier: Apache-2.0
// The FUSE side of the mount: each kernel request becomes one coroutine that asks the server over the link.
// Nothing is cached: attributes and names have a validity of zero and files are opened direct_io, so that
// what another host wrote or locked is seen at the next call; a shared mmap is refused by the kernel in
// return. Everything appears to belong to the user the mount runs as; changing owners is accepted and does
// nothing. Locks: fcntl's and flock's are kept at the server, each in a space of its own. Waiting for one
// asks again every 10 to 200 ms. Errors: ESTALE for a file whose session was lost and for a name
// that has moved at the server, EIO while there is no session for a whole lease. One thread (the executor's).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "storage/files/mount/fuse_call.hpp"
#include "storage/files/mount/link.hpp"

namespace understudy::files {

class Filesystem {
  public:
    using CallPtr = std::shared_ptr<FuseCall>;
    using Task = boost::asio::awaitable<void>;

    Filesystem(boost::asio::any_io_executor executor, Link& link) : executor_(executor), link_(link) {}

    CallPtr begin(fuse_req_t request);
    void spawn(Task task);

    Task lookup(CallPtr call, fuse_ino_t parent, std::string name);
    void forget(fuse_ino_t inode, std::uint64_t count);
    Task getattr(CallPtr call, fuse_ino_t inode, std::uint64_t handle);
    Task setattr(CallPtr call, fuse_ino_t inode, struct stat wanted, int which, std::uint64_t handle);
    Task readlink(CallPtr call, fuse_ino_t inode);
    Task make(CallPtr call, fuse_ino_t parent, std::string name,
              Body request);  // mkdir, symlink, mknod, link
    Task link(CallPtr call, fuse_ino_t inode, fuse_ino_t parent, std::string name);
    Task remove(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t flags);
    Task rename(CallPtr call, fuse_ino_t from, std::string name, fuse_ino_t to, std::string new_name,
                unsigned flags);
    Task open(CallPtr call, fuse_ino_t inode, fuse_file_info info);
    Task create(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t mode, fuse_file_info info);
    Task read(CallPtr call, std::uint64_t handle, std::size_t size, std::uint64_t offset);
    Task write(CallPtr call, std::uint64_t handle, std::string data, std::uint64_t offset);
    Task flush(CallPtr call, std::uint64_t handle, std::uint64_t owner);
    Task release(CallPtr call, std::uint64_t handle, bool unlock_whole_file, std::uint64_t owner);
    Task fsync(CallPtr call, std::uint64_t handle, bool data_only);
    Task readdir(CallPtr call, std::uint64_t handle, std::size_t size, std::uint64_t offset);
    Task statfs(CallPtr call);
    Task getlk(CallPtr call, std::uint64_t handle, std::uint64_t owner, struct flock lock);
    Task setlk(CallPtr call, std::uint64_t handle, Tlock request, bool wait);

    // fid of an inode, no_fid when the kernel's number is unknown.
    std::uint32_t fid_of(fuse_ino_t inode) const;
    // A Tlock without its fid: fcntl's range, or the whole file for flock.
    static Tlock range_lock(std::uint64_t owner, const struct flock& lock);
    static Tlock whole_file_lock(std::uint64_t owner, int operation);

  private:
    struct Inode {
        std::uint32_t fid;
        std::uint64_t number;  // qid.path
        std::uint64_t lookups;
    };
    struct Handle {
        std::uint32_t fid;
        std::uint64_t number;
    };
    struct Found {
        fuse_entry_param entry = {};
        int error = 0;
    };

    boost::asio::awaitable<Answer> ask(const CallPtr& call, Body request);
    boost::asio::awaitable<Answer> walk(CallPtr call, std::uint32_t from, std::uint32_t to, std::string name);
    boost::asio::awaitable<Found> find(CallPtr call, fuse_ino_t parent, std::string name);
    fuse_ino_t adopt(std::uint32_t fid, const Qid& qid);
    std::uint64_t add_handle(std::uint32_t fid, std::uint64_t number);
    const Handle* handle(std::uint64_t id) const;
    void drop_handle(std::uint64_t id);
    Path child(fuse_ino_t parent, const std::string& name) const;

    boost::asio::any_io_executor executor_;
    Link& link_;
    std::map<fuse_ino_t, Inode> inodes_ = {{FUSE_ROOT_ID, {0, 0, 1}}};
    std::map<std::uint64_t, fuse_ino_t> by_number_;
    std::map<std::uint64_t, Handle> handles_;
    fuse_ino_t next_inode_ = FUSE_ROOT_ID + 1;
    std::uint64_t next_handle_ = 1;
};

// The low-level operations, for fuse_session_new() with a Filesystem as user data.
const fuse_lowlevel_ops& filesystem_operations();

// A file's status as the kernel sees it.
struct stat to_stat(const Rgetattr& attributes);

}  // namespace understudy::files
