// SPDX-License-Identifier: Apache-2.0
// Names and folders.
#include <cerrno>
#include <utility>

#include "storage/files/core/codec.hpp"
#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

// The server doesn't know that message.
bool is_unknown(const Answer& answer) {
    return answer.error == EOPNOTSUPP || answer.error == ENOSYS;
}

}  // namespace

// Asks for the file's status together with the walk to it, where a fid is likely to be that file's already.
// `made`: one that was opened on it just now.
asio::awaitable<Filesystem::Found> Filesystem::find(CallPtr call, fuse_ino_t parent, std::string name,
                                                    std::uint32_t made) {
    Found found;
    const std::uint32_t folder = fid_of(parent), fid = link_.fids().free_number();
    if (link_.fids().is_dead(folder)) {
        found.error = ESTALE;
        co_return found;
    }
    const std::string path = child(parent, name);
    const std::uint32_t likely = made != no_fid ? made : link_.fids().at(path);
    const bool is_written = behind_.is_any_pending();  // then its status comes after that
    link_.fids().know(fid, path, {});                  // keeps the number taken
    RequestPtr walk = link_.send(Twalk{folder, fid, {std::move(name)}}, call->answered()), status;
    if (!is_written && (likely != no_fid || link_.keeps_order()))
        status = link_.send(Tgetattr{likely != no_fid ? likely : fid}, call->answered());
    Answer walked = co_await link_.answer(std::move(walk));
    found.error = error_of<Rwalk>(walked);
    if (found.error == 0 && std::get<Rwalk>(walked.body).qids.size() != 1) found.error = ENOENT;
    if (found.error != 0) {
        if (walked.unknown)
            link_.forget(fid);
        else
            link_.fids().erase(fid);  // the server has made none
        co_return found;
    }
    const Qid qid = std::get<Rwalk>(walked.body).qids.front();
    link_.fids().know(fid, path, qid);
    Answer attributes;
    bool known = false;
    if (status != nullptr) {
        attributes = co_await link_.answer(std::move(status));
        known = likely == no_fid ? !link_.came_too_early(attributes)
                                 : error_of<Rgetattr>(attributes) == 0 &&
                                       std::get<Rgetattr>(attributes.body).qid.path == qid.path;
    }
    if (!known) {
        co_await behind_.written(qid.path);
        Body getattr_request = Tgetattr{fid};
        attributes = co_await ask(call, std::move(getattr_request));
    }
    found.error = error_of<Rgetattr>(attributes);
    if (found.error != 0) {
        link_.forget(fid);
        co_return found;
    }
    found.entry.attr = to_stat(std::get<Rgetattr>(attributes.body));
    found.entry.ino = adopt(fid, qid);
    ahead_.drop(qid.path);
    co_return found;
}

Filesystem::Task Filesystem::lookup(CallPtr call, fuse_ino_t parent, std::string name) {
    if (name.size() > max_component_bytes) {
        call->error(ENAMETOOLONG);
        co_return;
    }
    // Whoever looks for a name in order to change it asks for the folder's status next.
    auto folder = inodes_.find(parent);
    RequestPtr of_folder;
    if (folder != inodes_.end() && folder->second.asked_next > 0) {
        --folder->second.asked_next;
        of_folder = link_.send(Tgetattr{folder->second.fid}, call->answered());
    }
    Found found = co_await find(call, parent, std::move(name), no_fid);
    std::vector<RecentStatus> seen;
    if (of_folder != nullptr) {
        Answer answer = co_await link_.answer(std::move(of_folder));
        if (error_of<Rgetattr>(answer) == 0)
            seen.push_back({parent, to_stat(std::get<Rgetattr>(answer.body)), {}});
    }
    if (found.error == 0) seen.push_back({found.entry.ino, found.entry.attr, {}});
    if (found.error != 0)
        call->error(found.error);
    else if (!call->entry(found.entry))
        forget(found.entry.ino, 1);
    remember(call->thread(), parent, std::move(seen));
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
    co_await behind_.all_written();
    Tlink request{fid_of(parent), fid_of(inode), name};
    co_await make(std::move(call), parent, std::move(name), std::move(request));
}

Filesystem::Task Filesystem::remove(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t flags) {
    std::string path = child(parent, name);
    std::string child_name = name;
    Body unlinkat_request = Tunlinkat{fid_of(parent), std::move(name), flags};
    Answer answer = co_await ask(call, std::move(unlinkat_request));
    if (is_unknown(answer)) answer = co_await remove_by_fid(call, parent, child_name);
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    if (answer.error == 0) link_.fids().unlinked(path);
    call->error(answer.error);
}

// For servers that know only the older messages, which take the file rather than its folder and name.
asio::awaitable<Answer> Filesystem::remove_by_fid(CallPtr call, fuse_ino_t parent, std::string name) {
    const std::uint32_t fid = link_.fids().free_number();
    link_.fids().know(fid, {}, {});
    Answer answer = co_await walk(call, fid_of(parent), fid, std::move(name));
    if (answer.error == 0) {
        Body remove_request = Tremove{fid};  // clunks, too
        answer = co_await ask(call, std::move(remove_request));
    }
    link_.fids().erase(fid);
    co_return answer;
}

asio::awaitable<Answer> Filesystem::rename_by_fid(CallPtr call, fuse_ino_t from, std::string name,
                                                  fuse_ino_t to, std::string new_name) {
    const std::uint32_t fid = link_.fids().free_number();
    link_.fids().know(fid, {}, {});
    Answer answer = co_await walk(call, fid_of(from), fid, std::move(name));
    if (answer.error == 0) {
        Body rename_request = Trename{fid, fid_of(to), std::move(new_name)};
        answer = co_await ask(call, std::move(rename_request));
    }
    link_.forget(fid);
    co_return answer;
}

Filesystem::Task Filesystem::rename(CallPtr call, fuse_ino_t from, std::string name, fuse_ino_t to,
                                    std::string new_name, unsigned flags) {
    if (flags != 0) {  // RENAME_NOREPLACE and RENAME_EXCHANGE have no message
        call->error(EINVAL);
        co_return;
    }
    co_await behind_.all_written();
    std::string old_path = child(from, name), new_path = child(to, new_name);
    Body renameat_request = Trenameat{fid_of(from), name, fid_of(to), new_name};
    Answer answer = co_await ask(call, std::move(renameat_request));
    if (is_unknown(answer)) answer = co_await rename_by_fid(call, from, name, to, new_name);
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    if (answer.error == 0 && old_path != new_path) {
        link_.fids().unlinked(new_path);
        link_.fids().renamed(old_path, new_path);
    }
    call->error(answer.error);
}

Filesystem::Task Filesystem::readdir(CallPtr call, std::uint64_t id, std::size_t size, std::uint64_t offset) {
    OpenFilePtr file = live_handle(id);
    if (file == nullptr) {
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

}  // namespace understudy::files
