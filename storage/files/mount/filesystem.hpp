// SPDX-License-Identifier: Apache-2.0
// The FUSE side of the mount: each kernel request becomes one coroutine that asks the server over the link.
// No data is cached: files are opened direct_io (docs/decisions/0007), so that what another host wrote or
// locked is seen at the next call; a file that is read in order is asked for a little before it is read
// (read_ahead.hpp). Names and statuses are remembered, here and by the kernel, while the share is delegated
// to this mount (metadata_cache.hpp). Else they have a validity of zero; what a lookup told is good for the
// same thread's question for that status right after it, for 100 microseconds. Everything appears to belong
// to the user the mount runs as; changing owners is accepted and does nothing. Errors: ESTALE for a file
// whose session was lost and for a name that has moved at the server, EIO as the link's policy says while the
// server is away. One thread (the executor's).
//
// Writes are sent without waiting (write_behind.hpp). Waited for are those of the file by fsync, close,
// reads, questions for its status, changes of it, and all of the mount's before a lock is given up or
// weakened and before a file is renamed or linked: what another host is let see by these it sees whole. One
// that fails is told to the next write, fsync or close of each descriptor of the file. A mapping's pages are
// written one by one, by the kernel, never through a descriptor that appends.
//
// Locks: fcntl's and flock's are kept at the server, each in a space of its own. Who waits for one waits at
// the server, through its time of reclaims too; an interrupt gives it up there. What the server holds for an
// owner in a range is uncertain when a grant or an unlock was given up or its answer lost: until it was
// settled (asked to be what this side knows), that owner's further requests on that file wait.
#pragma once

#include <sys/statvfs.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "storage/files/mount/fuse_call.hpp"
#include "storage/files/mount/kernel_cache.hpp"
#include "storage/files/mount/link.hpp"
#include "storage/files/mount/metadata_cache.hpp"
#include "storage/files/mount/open_file.hpp"
#include "storage/files/mount/read_ahead.hpp"
#include "storage/files/mount/write_behind.hpp"

namespace understudy::files {

constexpr std::uint64_t no_handle = 0;
constexpr std::size_t max_component_bytes = 255;

class Filesystem {
  public:
    using CallPtr = std::shared_ptr<FuseCall>;
    using Task = boost::asio::awaitable<void>;

    Filesystem(boost::asio::any_io_executor executor, Link& link, std::size_t write_behind_bytes)
        : executor_(executor),
          link_(link),
          behind_(executor, link, write_behind_bytes,
                  [this](std::uint64_t number, int error) { write_failed(number, error); }),
          ahead_(executor, link) {
        link.on_delegation([this](Link::DelegationState now) { delegation_changed(now); });
    }

    // What tells the kernel; none, or before: it is told to keep nothing.
    void set_kernel_cache(KernelCache* kernel) { kernel_ = kernel; }

    CallPtr begin(fuse_req_t request);
    void spawn(Task task);

    // Looking names up (filesystem_lookup.cpp).
    Task lookup(CallPtr call, fuse_ino_t parent, std::string name);

    // Names and folders (filesystem_names.cpp).
    void forget(fuse_ino_t inode, std::uint64_t count);
    Task readlink(CallPtr call, fuse_ino_t inode);
    Task make(CallPtr call, fuse_ino_t parent, std::string name,
              Body request);  // mkdir, symlink, mknod, link
    Task link(CallPtr call, fuse_ino_t inode, fuse_ino_t parent, std::string name);
    Task remove(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t flags);
    Task rename(CallPtr call, fuse_ino_t from, std::string name, fuse_ino_t to, std::string new_name,
                unsigned flags);
    Task readdir(CallPtr call, std::uint64_t handle, std::size_t size, std::uint64_t offset);

    // What a file is (filesystem_attributes.cpp).
    Task getattr(CallPtr call, fuse_ino_t inode, std::uint64_t handle);
    Task setattr(CallPtr call, fuse_ino_t inode, struct stat wanted, int which, std::uint64_t handle);
    Task statfs(CallPtr call);

    // Open files and their data (filesystem_files.cpp, filesystem_data.cpp).
    Task open(CallPtr call, fuse_ino_t inode, fuse_file_info info);
    Task create(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t mode, fuse_file_info info);
    Task read(CallPtr call, std::uint64_t handle, std::size_t size, std::uint64_t offset);
    Task write(CallPtr call, std::uint64_t handle, std::string data, std::uint64_t offset);
    Task write_pages(CallPtr call, fuse_ino_t inode, std::uint64_t handle, std::string data,
                     std::uint64_t offset);
    Task fsync(CallPtr call, std::uint64_t handle, bool data_only);

    // Extended attributes (filesystem_xattrs.cpp). getxattr of an empty name: the names.
    Task getxattr(CallPtr call, fuse_ino_t inode, std::string name, std::size_t size);
    Task setxattr(CallPtr call, fuse_ino_t inode, std::string name, std::string value, int flags);
    Task removexattr(CallPtr call, fuse_ino_t inode, std::string name);

    // Locks, and what closing does to them (filesystem_locks.cpp).
    Task flush(CallPtr call, std::uint64_t handle, std::uint64_t owner);
    Task release(CallPtr call, std::uint64_t handle, bool unlock_whole_file, std::uint64_t owner);
    Task getlk(CallPtr call, std::uint64_t handle, std::uint64_t owner, struct flock lock);
    Task setlk(CallPtr call, std::uint64_t handle, Tlock request, bool wait);

    // Until everything that was written has arrived, or failed.
    Task all_written() { return behind_.all_written(); }

    // fid of an inode, no_fid when the kernel's number is unknown.
    std::uint32_t fid_of(fuse_ino_t inode) const;
    // A Tlock without its fid: fcntl's range, or the whole file for flock.
    static Tlock range_lock(std::uint64_t owner, const struct flock& lock);
    static Tlock whole_file_lock(std::uint64_t owner, int operation);

  private:
    struct Spare {  // a fid beside a folder's own, on its way
        std::uint32_t fid = no_fid;
        RequestPtr walk;
        std::uint64_t connection = 0;
        int error = 0;
    };
    struct Inode {
        std::uint32_t fid = no_fid;
        std::uint64_t number = 0;  // qid.path
        std::uint64_t lookups = 0;
        Spare spare{};
        int asked_next = 0;  // so many lookups in it are expected to be followed by a question for its status
        bool attributes_kept = false;  // by the kernel, for a while
    };
    struct Opened {
        OpenFilePtr file;
        int error = 0;
    };
    struct Found {
        fuse_entry_param entry = {};
        int error = 0;
        bool was_known = false;  // to the kernel
        MetadataCache::Question question{};
    };
    struct Attribute {
        std::string value;
        int error = 0;
    };
    struct Uncertain {  // what the server holds for an owner in a range of a file
        std::uint64_t number;
        std::string client_id;
        bool operator==(const Uncertain&) const = default;
    };

    boost::asio::awaitable<Answer> ask(const CallPtr& call, Body request);
    boost::asio::awaitable<Answer> walk(CallPtr call, std::uint32_t from, std::uint32_t to, std::string name);
    boost::asio::awaitable<Found> find(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t made);
    boost::asio::awaitable<Found> found_beside(RequestPtr status, RequestPtr walk, std::uint32_t beside,
                                               std::string path, Qid made);
    void answer_found(const CallPtr& call, fuse_ino_t parent, const std::string& name, Found found);
    bool answer_from_memory(const CallPtr& call, fuse_ino_t parent, const std::string& name);
    Task attributes_of(CallPtr call, std::uint32_t fid, fuse_ino_t inode);
    Task root_attributes(CallPtr call);
    void answer_attributes(const CallPtr& call, fuse_ino_t inode, const struct stat& status,
                           const MetadataCache::Question& question);
    Task learn_status(fuse_ino_t inode);
    void delegation_changed(Link::DelegationState now);
    std::uint64_t number_of(fuse_ino_t inode) const;  // 0: unknown
    void remember(pid_t thread, fuse_ino_t folder, std::vector<RecentStatus> seen);
    std::optional<struct stat> recent_status(const CallPtr& call, fuse_ino_t inode);
    fuse_ino_t adopt(std::uint32_t fid, const Qid& qid);
    std::uint64_t add_handle(OpenFilePtr file);
    OpenFilePtr handle(std::uint64_t id) const;       // nullptr: unknown
    OpenFilePtr live_handle(std::uint64_t id) const;  // nullptr: unknown, or lost with its session
    std::string child(fuse_ino_t parent, const std::string& name) const;

    boost::asio::awaitable<Answer> remove_by_fid(CallPtr call, fuse_ino_t parent, std::string name);
    boost::asio::awaitable<Answer> rename_by_fid(CallPtr call, fuse_ino_t from, std::string name,
                                                 fuse_ino_t to, std::string new_name);
    Task write_now(CallPtr call, OpenFilePtr file, std::string data, std::uint64_t offset);
    boost::asio::awaitable<Opened> open_again(CallPtr call, std::uint32_t from, int flags);
    boost::asio::awaitable<Spare> take_spare(CallPtr call, fuse_ino_t folder);
    Spare make_spare(std::uint32_t folder, Abandoned abandoned);
    void write_failed(std::uint64_t number, int error);
    boost::asio::awaitable<Attribute> attribute(CallPtr call, std::uint32_t fid, std::string name);
    boost::asio::awaitable<int> put_attribute(CallPtr call, std::uint32_t fid, std::string name,
                                              std::string value, int flags);

    Task lock(CallPtr call, OpenFilePtr file, Tlock request, bool wait);
    boost::asio::awaitable<int> unlock(OpenFilePtr file, Tlock request);
    boost::asio::awaitable<bool> until_certain(CallPtr call, OpenFilePtr file, std::string client_id);
    void settle(OpenFilePtr file, const Tlock& like);
    Task ask_to_settle(OpenFilePtr file, Tlock like);

    boost::asio::any_io_executor executor_;
    Link& link_;
    WriteBehind behind_;
    ReadAhead ahead_;
    MetadataCache cache_;
    KernelCache* kernel_ = nullptr;
    bool kernel_keeps_names_ = false;
    std::map<fuse_ino_t, Inode> inodes_ = {{FUSE_ROOT_ID, {root_fid, 0, 1, {}, 0, false}}};
    std::map<std::uint64_t, fuse_ino_t> by_number_;
    std::map<std::uint64_t, OpenFilePtr> handles_;
    std::map<pid_t, RecentStatuses> recent_;
    std::vector<Uncertain> uncertain_;
    fuse_ino_t next_inode_ = FUSE_ROOT_ID + 1;
    std::uint64_t next_handle_ = 1;
};

// The low-level operations, for fuse_session_new() with a FuseSession as user data.
const fuse_lowlevel_ops& filesystem_operations();

// A file's status as the kernel sees it.
struct stat to_stat(const Rgetattr& attributes);

}  // namespace understudy::files
