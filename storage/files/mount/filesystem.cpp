// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/filesystem.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "storage/files/core/codec.hpp"
#include "storage/files/core/session_machine.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::uint64_t no_handle = 0;
constexpr std::size_t max_component_bytes = 255;

std::uint32_t proc_id_of(std::uint64_t owner) {
    return static_cast<std::uint32_t>((owner ^ owner >> 32) & 0x7fffffff);
}

// With success, the wanted reply or an error; else the answer's errno.
template <typename Reply>
int error_of(const Answer& answer) {
    if (answer.error != 0) return answer.error;
    return std::holds_alternative<Reply>(answer.body) ? 0 : EIO;
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

Filesystem::CallPtr Filesystem::begin(fuse_req_t request) {
    return FuseCall::make(request, executor_, [this] { return link_.is_ready(); });
}

void Filesystem::spawn(Task task) {
    asio::co_spawn(executor_, std::move(task), asio::detached);
}

std::uint32_t Filesystem::fid_of(fuse_ino_t inode) const {
    auto found = inodes_.find(inode);
    return found == inodes_.end() ? no_fid : found->second.fid;
}

asio::awaitable<Answer> Filesystem::ask(const CallPtr& call, Body request) {
    co_return co_await link_.call(std::move(request), call->answered());
}

asio::awaitable<Answer> Filesystem::walk(CallPtr call, std::uint32_t from, std::uint32_t to,
                                         std::string name) {
    if (from == no_fid || link_.is_dead(from)) co_return Answer{{}, ESTALE, false};
    Twalk request{from, to, {}};
    if (!name.empty()) request.names.push_back(std::move(name));
    co_return co_await ask(call, std::move(request));
}

Path Filesystem::child(fuse_ino_t parent, const std::string& name) const {
    const Path* known = link_.path(fid_of(parent));
    Path path = known == nullptr ? Path{} : *known;
    path.push_back(name);
    return path;
}

asio::awaitable<Filesystem::Found> Filesystem::find(CallPtr call, fuse_ino_t parent, std::string name) {
    Found found;
    if (name.size() > max_component_bytes) {
        found.error = ENAMETOOLONG;
        co_return found;
    }
    std::uint32_t fid = link_.new_fid();
    link_.know(fid, child(parent, name), {});  // keeps the number taken
    Answer answer = co_await walk(call, fid_of(parent), fid, name);
    found.error = error_of<Rwalk>(answer);
    if (found.error == 0 && std::get<Rwalk>(answer.body).qids.size() != 1) found.error = ENOENT;
    if (found.error != 0) {
        link_.forget(fid);
        co_return found;
    }
    Qid qid = std::get<Rwalk>(answer.body).qids.front();
    link_.know(fid, child(parent, name), qid);
    Body getattr_request = Tgetattr{fid};
    Answer attributes = co_await ask(call, std::move(getattr_request));
    found.error = error_of<Rgetattr>(attributes);
    if (found.error != 0) {
        link_.forget(fid);
        co_return found;
    }
    found.entry.attr = to_stat(std::get<Rgetattr>(attributes.body));
    found.entry.ino = adopt(fid, qid);
    co_return found;
}

fuse_ino_t Filesystem::adopt(std::uint32_t fid, const Qid& qid) {
    auto known = by_number_.find(qid.path);
    if (known != by_number_.end()) {
        Inode& inode = inodes_.at(known->second);
        ++inode.lookups;
        // The newest name is the one to find it by; the older fid goes.
        link_.forget(std::exchange(inode.fid, fid));
        return known->second;
    }
    fuse_ino_t number = next_inode_++;
    inodes_[number] = {fid, qid.path, 1};
    by_number_[qid.path] = number;
    return number;
}

Filesystem::Task Filesystem::lookup(CallPtr call, fuse_ino_t parent, std::string name) {
    Found found = co_await find(call, parent, std::move(name));
    if (found.error != 0)
        call->error(found.error);
    else if (!call->entry(found.entry))
        forget(found.entry.ino, 1);
}

void Filesystem::forget(fuse_ino_t number, std::uint64_t count) {
    auto found = inodes_.find(number);
    if (found == inodes_.end() || number == FUSE_ROOT_ID) return;
    found->second.lookups -= std::min(found->second.lookups, count);
    if (found->second.lookups != 0) return;
    link_.forget(found->second.fid);
    by_number_.erase(found->second.number);
    inodes_.erase(found);
}

Filesystem::Task Filesystem::getattr(CallPtr call, fuse_ino_t inode, std::uint64_t id) {
    const Handle* open = handle(id);
    std::uint32_t fid = open != nullptr && !link_.is_dead(open->fid) ? open->fid : fid_of(inode);
    if (fid == no_fid || (fid != 0 && link_.is_dead(fid))) {
        call->error(ESTALE);
        co_return;
    }
    Body getattr_request = Tgetattr{fid};
    Answer answer = co_await ask(call, std::move(getattr_request));
    if (int error = error_of<Rgetattr>(answer); error != 0)
        call->error(error);
    else
        call->attributes(to_stat(std::get<Rgetattr>(answer.body)));
}

Filesystem::Task Filesystem::setattr(CallPtr call, fuse_ino_t inode, struct stat wanted, int which,
                                     std::uint64_t id) {
    const Handle* open = handle(id);
    std::uint32_t fid = open != nullptr ? open->fid : fid_of(inode);
    if (fid == no_fid || (fid != 0 && link_.is_dead(fid))) {
        call->error(ESTALE);
        co_return;
    }
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
        Answer changed = co_await ask(call, request);
        if (int error = error_of<Rsetattr>(changed); error != 0) {
            call->error(error);
            co_return;
        }
    }
    Body getattr_request = Tgetattr{fid};
    Answer answer = co_await ask(call, std::move(getattr_request));
    if (int error = error_of<Rgetattr>(answer); error != 0)
        call->error(error);
    else
        call->attributes(to_stat(std::get<Rgetattr>(answer.body)));
}

Filesystem::Task Filesystem::readlink(CallPtr call, fuse_ino_t inode) {
    Body readlink_request = Treadlink{fid_of(inode)};
    Answer answer = co_await ask(call, std::move(readlink_request));
    if (int error = error_of<Rreadlink>(answer); error != 0)
        call->error(error);
    else
        call->link_target(std::get<Rreadlink>(answer.body).target);
}

Filesystem::Task Filesystem::make(CallPtr call, fuse_ino_t parent, std::string name, Body request) {
    Answer answer = co_await ask(call, std::move(request));
    // Asked twice because a reply was lost: what is there now was made by the first.
    if (answer.error == EEXIST && answer.repeated) answer.error = 0;
    if (answer.error != 0) {
        call->error(answer.error);
        co_return;
    }
    co_await lookup(std::move(call), parent, std::move(name));
}

Filesystem::Task Filesystem::link(CallPtr call, fuse_ino_t inode, fuse_ino_t parent, std::string name) {
    Tlink request{fid_of(parent), fid_of(inode), name};
    co_await make(std::move(call), parent, std::move(name), std::move(request));
}

Filesystem::Task Filesystem::remove(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t flags) {
    Path path = child(parent, name);
    Body unlinkat_request = Tunlinkat{fid_of(parent), std::move(name), flags};
    Answer answer = co_await ask(call, std::move(unlinkat_request));
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    if (answer.error == 0) link_.unlinked(path);
    call->error(answer.error);
}

Filesystem::Task Filesystem::rename(CallPtr call, fuse_ino_t from, std::string name, fuse_ino_t to,
                                    std::string new_name, unsigned flags) {
    if (flags != 0) {  // RENAME_NOREPLACE and RENAME_EXCHANGE have no message
        call->error(EINVAL);
        co_return;
    }
    Path old_path = child(from, name), new_path = child(to, new_name);
    Body renameat_request = Trenameat{fid_of(from), std::move(name), fid_of(to), std::move(new_name)};
    Answer answer = co_await ask(call, std::move(renameat_request));
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    if (answer.error == 0 && old_path != new_path) {
        link_.unlinked(new_path);
        link_.renamed(old_path, new_path);
    }
    call->error(answer.error);
}

Filesystem::Task Filesystem::open(CallPtr call, fuse_ino_t inode, fuse_file_info info) {
    auto known = inodes_.find(inode);
    if (known == inodes_.end()) {
        call->error(ESTALE);
        co_return;
    }
    std::uint64_t number = known->second.number;
    const Path* path = link_.path(known->second.fid);
    std::uint32_t fid = link_.new_fid();
    Path own_path = path == nullptr ? Path{} : *path;
    link_.know(fid, own_path, {});
    Answer answer = co_await walk(call, known->second.fid, fid, std::string());
    int error = error_of<Rwalk>(answer);
    if (error == 0) link_.know(fid, own_path, {0, 0, number});
    auto flags = static_cast<std::uint32_t>(info.flags);
    if (error == 0) {
        Body lopen_request = Tlopen{fid, flags};
        Answer opened = co_await ask(call, std::move(lopen_request));
        error = error_of<Rlopen>(opened);
        if (error == 0) number = std::get<Rlopen>(opened.body).qid.path;
    }
    if (error != 0) {
        link_.forget(fid);
        call->error(error);
        co_return;
    }
    link_.know_open(fid, flags);
    info.fh = add_handle(fid, number);
    info.direct_io = 1;
    if (!call->opened(info)) drop_handle(info.fh);
}

Filesystem::Task Filesystem::create(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t mode,
                                    fuse_file_info info) {
    std::uint32_t fid = link_.new_fid(), parent_fid = fid_of(parent);
    const Path* parent_path = link_.path(parent_fid);
    Path parent_names = parent_path == nullptr ? Path{} : *parent_path;
    link_.know(fid, parent_names, {});
    Answer answer = co_await walk(call, parent_fid, fid, std::string());
    int error = name.size() > max_component_bytes ? ENAMETOOLONG : error_of<Rwalk>(answer);
    if (error == 0) link_.know(fid, parent_names, link_.qid(parent_fid));
    auto flags = static_cast<std::uint32_t>(info.flags);
    Qid qid;
    if (error == 0) {
        Body lcreate_request = Tlcreate{fid, name, flags, mode, 0};
        answer = co_await ask(call, std::move(lcreate_request));
        if (answer.error == EEXIST && answer.repeated) {
            Body again = Tlcreate{fid, name, flags & ~static_cast<std::uint32_t>(O_EXCL), mode, 0};
            answer = co_await ask(call, std::move(again));
        }
        error = error_of<Rlcreate>(answer);
        if (error == 0) qid = std::get<Rlcreate>(answer.body).qid;
    }
    Found found;
    if (error == 0) {
        link_.know(fid, child(parent, name), qid);
        link_.know_open(fid, flags);
        found = co_await find(call, parent, name);
        error = found.error;
    }
    if (error != 0) {
        link_.forget(fid);
        call->error(error);
        co_return;
    }
    info.fh = add_handle(fid, qid.path);
    info.direct_io = 1;
    if (call->created(found.entry, info)) co_return;
    drop_handle(info.fh);
    forget(found.entry.ino, 1);
}

Filesystem::Task Filesystem::read(CallPtr call, std::uint64_t id, std::size_t size, std::uint64_t offset) {
    const Handle* file = handle(id);
    std::string data;
    while (data.size() < size) {
        if (file == nullptr || link_.is_dead(file->fid)) {
            call->error(ESTALE);
            co_return;
        }
        auto count =
            static_cast<std::uint32_t>(std::min<std::size_t>(size - data.size(), link_.data_bytes()));
        Body read_request = Tread{file->fid, offset + data.size(), count};
        Answer answer = co_await ask(call, std::move(read_request));
        if (int error = error_of<Rread>(answer); error != 0) {
            call->error(error);
            co_return;
        }
        const std::string& part = std::get<Rread>(answer.body).data.value;
        data += part;
        if (part.size() < count) break;
        file = handle(id);
    }
    call->data(data);
}

Filesystem::Task Filesystem::write(CallPtr call, std::uint64_t id, std::string data, std::uint64_t offset) {
    std::size_t done = 0;
    int error = 0;
    while (done < data.size() && error == 0) {
        const Handle* file = handle(id);
        if (file == nullptr || link_.is_dead(file->fid)) {
            error = ESTALE;
            break;
        }
        Twrite request{file->fid, offset + done, {data.substr(done, link_.data_bytes())}};
        Answer answer = co_await ask(call, std::move(request));
        error = error_of<Rwrite>(answer);
        if (error != 0) break;
        std::uint32_t count = std::get<Rwrite>(answer.body).count;
        if (count == 0) break;
        done += count;
    }
    if (done == 0 && error != 0)
        call->error(error);
    else
        call->written(done);
}

Filesystem::Task Filesystem::fsync(CallPtr call, std::uint64_t id, bool data_only) {
    const Handle* file = handle(id);
    if (file == nullptr || link_.is_dead(file->fid)) {
        call->error(ESTALE);
        co_return;
    }
    Body fsync_request = Tfsync{file->fid, data_only ? 1U : 0U};
    Answer answer = co_await ask(call, std::move(fsync_request));
    call->error(error_of<Rfsync>(answer));
}

Filesystem::Task Filesystem::readdir(CallPtr call, std::uint64_t id, std::size_t size, std::uint64_t offset) {
    const Handle* file = handle(id);
    if (file == nullptr || link_.is_dead(file->fid)) {
        call->error(ESTALE);
        co_return;
    }
    auto count = static_cast<std::uint32_t>(std::min<std::size_t>(size, link_.data_bytes()));
    Body readdir_request = Treaddir{file->fid, offset, count};
    Answer answer = co_await ask(call, std::move(readdir_request));
    int error = error_of<Rreaddir>(answer);
    std::string entries;
    if (error == 0) {
        auto decoded = decode_entries(std::get<Rreaddir>(answer.body).entries.value);
        if (decoded.has_error()) error = EIO;
        for (const DirectoryEntry& entry : decoded.has_error() ? std::vector<DirectoryEntry>{} : *decoded) {
            struct stat status = {};
            status.st_ino = entry.qid.path;
            status.st_mode = static_cast<mode_t>(entry.type) << 12;  // DT_ to S_IF
            std::size_t had = entries.size();
            std::size_t needed =
                fuse_add_direntry(call->request(), nullptr, 0, entry.name.c_str(), nullptr, 0);
            if (had + needed > size) break;
            entries.resize(had + needed);
            fuse_add_direntry(call->request(), entries.data() + had, needed, entry.name.c_str(), &status,
                              static_cast<off_t>(entry.next_offset));
        }
    }
    if (error != 0)
        call->error(error);
    else
        call->data(entries);
}

Filesystem::Task Filesystem::statfs(CallPtr call) {
    Body statfs_request = Tstatfs{0};
    Answer answer = co_await ask(call, std::move(statfs_request));
    if (int error = error_of<Rstatfs>(answer); error != 0) {
        call->error(error);
        co_return;
    }
    const auto& it = std::get<Rstatfs>(answer.body);
    struct statvfs status = {};
    status.f_bsize = status.f_frsize = it.block_bytes;
    status.f_blocks = it.blocks;
    status.f_bfree = it.free;
    status.f_bavail = it.available;
    status.f_files = it.files;
    status.f_ffree = status.f_favail = it.files_free;
    status.f_namemax = it.name_length;
    call->status(status);
}

Filesystem::Task Filesystem::flush(CallPtr call, std::uint64_t id, std::uint64_t owner) {
    struct flock all = {};
    all.l_type = F_UNLCK;
    Tlock unlock = range_lock(owner, all);
    const Handle* file = handle(id);
    // Closing any descriptor of a file gives up all of the process's locks on it (fcntl).
    if (file == nullptr || link_.is_dead(file->fid) || !link_.holds_locks(file->number, unlock.client_id)) {
        call->ok();
        co_return;
    }
    co_await setlk(std::move(call), id, std::move(unlock), false);
}

Filesystem::Task Filesystem::release(CallPtr call, std::uint64_t id, bool unlock_whole_file,
                                     std::uint64_t owner) {
    Tlock unlock = whole_file_lock(owner, LOCK_UN);
    const Handle* file = handle(id);
    if (unlock_whole_file && file != nullptr && !link_.is_dead(file->fid) &&
        link_.holds_locks(file->number, unlock.client_id)) {
        std::uint64_t number = file->number;
        unlock.fid = file->fid;
        Answer answer = co_await ask(call, unlock);
        if (answer.error == 0) link_.locked(number, unlock);
    }
    drop_handle(id);
    call->ok();
}

Tlock Filesystem::range_lock(std::uint64_t owner, const struct flock& lock) {
    Tlock request;
    request.type = lock.l_type == F_RDLCK ? lock_read : lock.l_type == F_WRLCK ? lock_write : lock_unlock;
    request.start = static_cast<std::uint64_t>(lock.l_start);
    request.length = static_cast<std::uint64_t>(lock.l_len);
    request.proc_id = proc_id_of(owner);
    request.client_id = fmt::format("{:x}", owner);
    return request;
}

Tlock Filesystem::whole_file_lock(std::uint64_t owner, int operation) {
    Tlock request;
    request.type = (operation & LOCK_SH) != 0   ? lock_read
                   : (operation & LOCK_EX) != 0 ? lock_write
                                                : lock_unlock;
    request.proc_id = proc_id_of(owner);
    request.client_id = fmt::format("{}{:x}", whole_file_prefix, owner);
    return request;
}

Filesystem::Task Filesystem::getlk(CallPtr call, std::uint64_t id, std::uint64_t owner, struct flock lock) {
    const Handle* file = handle(id);
    if (file == nullptr || link_.is_dead(file->fid)) {
        call->error(ESTALE);
        co_return;
    }
    Tlock wanted = range_lock(owner, lock);
    Body getlock_request =
        Tgetlock{file->fid, wanted.type, wanted.start, wanted.length, wanted.proc_id, wanted.client_id};
    Answer answer = co_await ask(call, std::move(getlock_request));
    if (int error = error_of<Rgetlock>(answer); error != 0) {
        call->error(error);
        co_return;
    }
    const auto& held = std::get<Rgetlock>(answer.body);
    lock.l_type = held.type == lock_read ? F_RDLCK : held.type == lock_write ? F_WRLCK : F_UNLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(held.start);
    lock.l_len = static_cast<off_t>(held.length);
    lock.l_pid =
        static_cast<pid_t>(held.proc_id);  // of another host: the kernel shows 0 where it has no such process
    call->lock(lock);
}

Filesystem::Task Filesystem::setlk(CallPtr call, std::uint64_t id, Tlock request, bool wait) {
    std::chrono::milliseconds pause{10};
    for (;;) {
        const Handle* file = handle(id);
        if (file == nullptr || link_.is_dead(file->fid)) {
            call->error(ESTALE);
            co_return;
        }
        request.fid = file->fid;
        std::uint64_t number = file->number;
        Answer answer = co_await ask(call, request);
        int error = error_of<Rlock>(answer);
        std::uint8_t status =
            error == 0 ? std::get<Rlock>(answer.body).status : static_cast<std::uint8_t>(lock_error);
        if (error == 0 && status == lock_success) {
            link_.locked(number, request);
            if (call->ok() || request.type == lock_unlock) co_return;
            request.type = lock_unlock;  // nobody waits for it any more: give it back
            Answer undone = co_await link_.call(request, nullptr);
            if (undone.error == 0) link_.locked(number, request);
            co_return;
        }
        if (error != 0 || status == lock_error || (status == lock_blocked && !wait)) {
            call->error(error != 0 ? error : status == lock_blocked ? EAGAIN : EIO);
            co_return;
        }
        // Held by another, or the server was restarted and its clients of before come first.
        call->waits_for_lock();
        if (call->was_answered()) co_return;
        call->timer().expires_after(pause);
        co_await call->timer().async_wait(asio::as_tuple(asio::use_awaitable));
        if (call->was_answered()) co_return;
        pause = std::min(pause * 2, std::chrono::milliseconds(200));
    }
}

std::uint64_t Filesystem::add_handle(std::uint32_t fid, std::uint64_t number) {
    std::uint64_t id = next_handle_++;
    handles_[id] = {fid, number};
    return id;
}

const Filesystem::Handle* Filesystem::handle(std::uint64_t id) const {
    auto found = id == no_handle ? handles_.end() : handles_.find(id);
    return found == handles_.end() ? nullptr : &found->second;
}

void Filesystem::drop_handle(std::uint64_t id) {
    auto found = handles_.find(id);
    if (found == handles_.end()) return;
    link_.forget(found->second.fid);
    handles_.erase(found);
}

}  // namespace understudy::files
