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

Filesystem::Task Filesystem::readlink(CallPtr call, fuse_ino_t inode) {
    Body readlink_request = Treadlink{fid_of(inode)};
    Answer answer = co_await ask(call, std::move(readlink_request));
    if (int error = error_of<Rreadlink>(answer); error != 0)
        call->error(error);
    else
        call->link_target(std::get<Rreadlink>(answer.body).target);
}

Filesystem::Task Filesystem::make(CallPtr call, fuse_ino_t parent, std::string name, Body request) {
    const std::uint64_t folder = number_of(parent);
    const bool is_folder = std::holds_alternative<Tmkdir>(request);
    cache_.changed(folder);
    Answer answer = co_await ask(call, std::move(request));
    cache_.changed(folder);
    // Asked twice because a reply was lost: what is there now was made by the first.
    const bool is_ours = answer.error == 0 && !answer.repeated;
    if (answer.error == EEXIST && answer.repeated) answer.error = 0;
    if (answer.error != 0) {
        cache_.forget_names(folder);
        call->error(answer.error);
        co_return;
    }
    Found found = co_await find(call, parent, name, no_fid);
    if (found.error != 0)
        cache_.forget_names(folder);
    else
        cache_.named(folder, name, found.entry.attr.st_ino);
    if (found.error == 0 && is_folder && is_ours && cache_.is_current(found.question))
        cache_.is_empty(found.entry.attr.st_ino);
    answer_found(call, parent, name, std::move(found));
}

Filesystem::Task Filesystem::link(CallPtr call, fuse_ino_t inode, fuse_ino_t parent, std::string name) {
    co_await behind_.all_written();
    Tlink request{fid_of(parent), fid_of(inode), name};
    const std::uint64_t number = number_of(inode);
    cache_.changed(number);
    co_await make(std::move(call), parent, std::move(name), std::move(request));
    cache_.changed(number);
}

Filesystem::Task Filesystem::remove(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t flags) {
    std::string path = child(parent, name);
    std::string child_name = name;
    const std::uint64_t folder = number_of(parent);
    cache_.changed(folder);
    cache_.changed(folder, child_name);
    const std::uint32_t folder_fid = fid_of(parent);
    const MetadataCache::Question question = cache_.ask();
    RequestPtr removal = link_.send(Tunlinkat{folder_fid, std::move(name), flags}, call->answered()), status;
    // The kernel asks for the folder's status before the next change in it; by the same fid it comes after.
    if (cache_.is_on()) status = link_.send(Tgetattr{folder_fid}, call->answered());
    Answer answer = co_await link_.answer(std::move(removal));
    if (is_unknown(answer)) answer = co_await remove_by_fid(call, parent, child_name);
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    Answer told;
    if (status != nullptr) told = co_await link_.answer(std::move(status));
    const bool holds = cache_.holds(question, folder);  // nothing else was begun in it
    cache_.changed(folder);
    cache_.changed(folder, child_name);
    if (const auto* it = std::get_if<Rgetattr>(&told.body); it != nullptr && holds)
        cache_.remember(cache_.ask(), to_stat(*it));
    if (answer.error == 0) {
        link_.fids().unlinked(path);
        cache_.named(folder, child_name, 0);
    } else {
        cache_.forget_names(folder);
    }
    call->error(answer.error);
}

// The kernel asks for a folder's status before the next change in it: asked for already.
Filesystem::Task Filesystem::learn_status(fuse_ino_t inode) {
    const MetadataCache::Question question = cache_.ask();
    Body getattr_request = Tgetattr{fid_of(inode)};
    Answer answer = co_await link_.call(std::move(getattr_request), nullptr);
    if (const auto* told = std::get_if<Rgetattr>(&answer.body)) cache_.remember(question, to_stat(*told));
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
    const std::uint64_t old_folder = number_of(from), new_folder = number_of(to);
    auto changed = [&] {
        cache_.changed(old_folder);
        cache_.changed(new_folder);
        cache_.changed(old_folder, name);
        cache_.changed(new_folder, new_name);
    };
    changed();
    Body renameat_request = Trenameat{fid_of(from), name, fid_of(to), new_name};
    Answer answer = co_await ask(call, std::move(renameat_request));
    if (is_unknown(answer)) answer = co_await rename_by_fid(call, from, name, to, new_name);
    if (answer.error == ENOENT && answer.repeated) answer.error = 0;
    changed();
    if (answer.error != 0) {
        cache_.forget_names(old_folder);
        cache_.forget_names(new_folder);
    } else if (old_path != new_path) {
        link_.fids().unlinked(new_path);
        link_.fids().renamed(old_path, new_path);
        cache_.renamed(old_folder, name, new_folder, new_name);
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
    cache_.changed(file->number);  // when it was read
    Answer answer = co_await ask(call, std::move(readdir_request));
    cache_.changed(file->number);
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
