// SPDX-License-Identifier: Apache-2.0
// Looking names up.
#include <cerrno>
#include <utility>

#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

// Asks for the file's status together with the walk to it, where a fid is likely to be that file's already.
// `made`: one that was opened on it just now.
asio::awaitable<Filesystem::Found> Filesystem::find(CallPtr call, fuse_ino_t parent, std::string name,
                                                    std::uint32_t made) {
    Found found;
    found.question = cache_.ask();
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
        const MetadataCache::Question again = cache_.ask();
        if (!cache_.holds(found.question, qid.path)) found.question = again;
        Body getattr_request = Tgetattr{fid};
        attributes = co_await ask(call, std::move(getattr_request));
    }
    found.error = error_of<Rgetattr>(attributes);
    if (found.error != 0) {
        link_.forget(fid);
        co_return found;
    }
    found.entry.attr = to_stat(std::get<Rgetattr>(attributes.body));
    found.was_known = by_number_.contains(qid.path);
    found.entry.ino = adopt(fid, qid);
    ahead_.drop(qid.path);
    co_return found;
}

Filesystem::Task Filesystem::lookup(CallPtr call, fuse_ino_t parent, std::string name) {
    if (name.size() > max_component_bytes) {
        call->error(ENAMETOOLONG);
        co_return;
    }
    link_.want_delegation();
    if (answer_from_memory(call, parent, name)) co_return;
    // Whoever looks for a name in order to change it asks for the folder's status next.
    auto folder = inodes_.find(parent);
    RequestPtr of_folder;
    if (folder != inodes_.end() && folder->second.asked_next > 0) {
        --folder->second.asked_next;
        of_folder = link_.send(Tgetattr{folder->second.fid}, call->answered());
    }
    Found found = co_await find(call, parent, name, no_fid);
    std::vector<RecentStatus> seen;
    if (of_folder != nullptr) {
        Answer answer = co_await link_.answer(std::move(of_folder));
        if (error_of<Rgetattr>(answer) == 0)
            seen.push_back({parent, to_stat(std::get<Rgetattr>(answer.body)), {}});
    }
    if (found.error == 0) seen.push_back({found.entry.ino, found.entry.attr, {}});
    answer_found(call, parent, name, std::move(found));
    remember(call->thread(), parent, std::move(seen));
}

// What was found, and for how long the kernel may believe it.
void Filesystem::answer_found(const CallPtr& call, fuse_ino_t parent, const std::string& name, Found found) {
    const std::uint64_t folder = number_of(parent), number = found.entry.attr.st_ino;
    const bool names_hold = folder != 0 && cache_.holds(found.question, folder);
    if (names_hold && (found.error == 0 || found.error == ENOENT))
        cache_.named(folder, name, found.error == 0 ? number : 0);
    found.entry.entry_timeout = names_hold && kernel_keeps_names_ ? seconds(link_.delegated_for()) : 0;
    if (found.error != 0) {
        if (found.error == ENOENT && found.entry.entry_timeout > 0)
            call->entry(found.entry);  // there is none, and won't be
        else
            call->error(found.error);
        return;
    }
    if (!behind_.is_pending(number) && cache_.holds(found.question, number)) {
        cache_.remember(found.question, found.entry.attr);
        // The kernel can't be told to forget what it hasn't made an inode of yet.
        if (found.was_known) {
            found.entry.attr_timeout = seconds(link_.delegated_for());
            inodes_.at(found.entry.ino).attributes_kept = true;
        }
    }
    if (!call->entry(found.entry)) forget(found.entry.ino, 1);
}

bool Filesystem::answer_from_memory(const CallPtr& call, fuse_ino_t parent, const std::string& name) {
    if (!cache_.is_on() || link_.delegated_for() == Duration::zero()) return false;
    const std::optional<std::uint64_t> number = cache_.child(number_of(parent), name);
    if (!number) return false;
    Found found;
    found.question = cache_.ask();
    if (*number == 0) {
        found.error = ENOENT;
    } else {
        const auto inode = by_number_.find(*number);
        const struct stat* status = cache_.status(*number);
        if (inode == by_number_.end() || status == nullptr || behind_.is_pending(*number)) return false;
        found.entry.attr = *status;
        found.entry.ino = inode->second;
        found.was_known = true;
        ++inodes_.at(inode->second).lookups;
    }
    answer_found(call, parent, name, std::move(found));
    return true;
}

}  // namespace understudy::files
