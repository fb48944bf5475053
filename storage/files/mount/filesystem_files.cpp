// SPDX-License-Identifier: Apache-2.0
// Opening, and making what is opened.
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

Filesystem::Task Filesystem::open(CallPtr call, fuse_ino_t inode, fuse_file_info info) {
    auto known = inodes_.find(inode);
    if (known == inodes_.end()) {
        call->error(ESTALE);
        co_return;
    }
    const std::uint64_t number = known->second.number;
    const bool truncates = (info.flags & O_TRUNC) != 0;
    const std::uint32_t fid = known->second.fid;
    if (truncates) co_await behind_.written(number);
    if (truncates) cache_.changed(number);
    Opened opened = co_await open_again(call, fid, info.flags);
    if (truncates) cache_.changed(number);
    if (opened.file == nullptr) {
        call->error(opened.error);
        co_return;
    }
    info.fh = add_handle(std::move(opened.file));
    info.direct_io = 1;
    ahead_.drop_all();
    if (!call->opened(info)) handles_.erase(info.fh);
}

// By a fid of its own, beside the one that is known.
asio::awaitable<Filesystem::Opened> Filesystem::open_again(CallPtr call, std::uint32_t from, int flags) {
    Opened opened;
    if (link_.fids().is_dead(from)) {
        opened.error = ESTALE;
        co_return opened;
    }
    const std::uint32_t fid = link_.fids().free_number();
    const std::string path = link_.fids().path(from);
    const Qid qid = link_.fids().qid(from);
    const auto wanted = static_cast<std::uint32_t>(flags);
    link_.fids().know(fid, path, {});
    const bool at_once = link_.keeps_order();
    RequestPtr walk = link_.send(Twalk{from, fid, {}}, call->answered()), open;
    if (at_once) open = link_.send(Tlopen{fid, wanted}, call->answered());
    Answer answer = co_await link_.answer(std::move(walk));
    opened.error = error_of<Rwalk>(answer);
    const bool walked = opened.error == 0;
    if (walked) link_.fids().know(fid, path, qid);
    if (at_once) answer = co_await link_.answer(std::move(open));
    if (walked && (!at_once || link_.came_too_early(answer))) {
        Body lopen_request = Tlopen{fid, wanted};
        answer = co_await ask(call, std::move(lopen_request));
    }
    if (walked) opened.error = error_of<Rlopen>(answer);
    if (opened.error != 0) {
        link_.forget(fid);
        co_return opened;
    }
    link_.fids().know_open(fid, wanted);
    opened.file = std::make_shared<OpenFile>(link_, fid, std::get<Rlopen>(answer.body).qid.path, flags);
    co_return opened;
}

// A fid beside the folder's own, to be made into the one of a new file. The next one is asked for already.
asio::awaitable<Filesystem::Spare> Filesystem::take_spare(CallPtr call, fuse_ino_t folder) {
    auto found = inodes_.find(folder);
    Spare spare;
    if (found != inodes_.end()) spare = std::exchange(found->second.spare, {});
    if (spare.walk != nullptr && spare.connection != link_.connections()) {
        link_.forget(spare.fid);  // it went with its connection
        spare = {};
    }
    if (link_.fids().is_dead(fid_of(folder))) {
        spare.error = ESTALE;
        co_return spare;
    }
    if (spare.walk == nullptr) spare = make_spare(fid_of(folder), call->answered());
    Answer answer = co_await link_.answer(spare.walk);
    spare.error = error_of<Rwalk>(answer);
    if (spare.error == 0)
        link_.fids().know(spare.fid, link_.fids().path(fid_of(folder)), link_.fids().qid(fid_of(folder)));
    co_return spare;
}

Filesystem::Spare Filesystem::make_spare(std::uint32_t folder, Abandoned abandoned) {
    Spare spare;
    spare.fid = link_.fids().free_number();
    link_.fids().know(spare.fid, {}, {});
    spare.walk = link_.send(Twalk{folder, spare.fid, {}}, std::move(abandoned));
    spare.connection = link_.connections();
    return spare;
}

// The file that was made just now, if both answers are about it; no inode otherwise.
asio::awaitable<Filesystem::Found> Filesystem::found_beside(RequestPtr status, RequestPtr walk,
                                                            std::uint32_t beside, std::string path,
                                                            Qid made) {
    Found found;
    Answer attributes = co_await link_.answer(std::move(status));
    Answer walked = co_await link_.answer(std::move(walk));
    const auto* known = std::get_if<Rgetattr>(&attributes.body);
    if (made.path == 0 || known == nullptr || known->qid.path != made.path || error_of<Rwalk>(walked) != 0) {
        link_.forget(beside);
        co_return found;
    }
    link_.fids().know(beside, path, made);
    found.entry.attr = to_stat(*known);
    found.entry.ino = adopt(beside, made);
    co_return found;
}

Filesystem::Task Filesystem::create(CallPtr call, fuse_ino_t parent, std::string name, std::uint32_t mode,
                                    fuse_file_info info) {
    if (name.size() > max_component_bytes) {
        call->error(ENAMETOOLONG);
        co_return;
    }
    const std::uint64_t folder = number_of(parent);
    Spare spare = co_await take_spare(call, parent);
    const std::uint32_t fid = spare.fid;
    const auto flags = static_cast<std::uint32_t>(info.flags);
    int error = spare.error;
    Qid qid;
    Found found;
    if (error == 0) {
        // Its status, and a fid beside the one that is open then, are asked for at once: a server that keeps
        // order has made it before.
        const bool at_once = link_.keeps_order() && !behind_.is_any_pending();
        cache_.changed(folder);
        found.question = cache_.ask();
        const std::uint32_t beside = at_once ? link_.fids().free_number() : no_fid;
        RequestPtr creation = link_.send(Tlcreate{fid, name, flags, mode, 0}, call->answered()), status, walk;
        if (at_once) {
            link_.fids().know(beside, {}, {});
            status = link_.send(Tgetattr{fid}, call->answered());
            walk = link_.send(Twalk{fid, beside, {}}, call->answered());
        }
        Answer answer = co_await link_.answer(std::move(creation));
        if (answer.error == EEXIST && answer.repeated) {
            Body again = Tlcreate{fid, name, flags & ~static_cast<std::uint32_t>(O_EXCL), mode, 0};
            answer = co_await ask(call, std::move(again));
        }
        error = error_of<Rlcreate>(answer);
        if (error == 0) {
            qid = std::get<Rlcreate>(answer.body).qid;
            link_.fids().know(fid, child(parent, name), qid);
            link_.fids().know_open(fid, flags);
            if (auto known = inodes_.find(parent);
                known != inodes_.end() && known->second.spare.walk == nullptr)
                known->second.spare = make_spare(known->second.fid, nullptr);
        }
        if (at_once) {
            const MetadataCache::Question asked = found.question;
            auto finding = found_beside(std::move(status), std::move(walk), beside, child(parent, name), qid);
            found = co_await std::move(finding);
            found.question = asked;
        }
        cache_.changed(folder);
        if (error == 0 && found.entry.ino == 0) found = co_await find(call, parent, name, fid);
        if (error == 0) error = found.error;
        if (error != 0)
            cache_.forget_names(folder);
        else
            cache_.named(folder, name, qid.path);
        if (cache_.is_on()) spawn(learn_status(parent));
    }
    if (error != 0) {
        if (fid != no_fid) link_.forget(fid);
        call->error(error);
        co_return;
    }
    info.fh = add_handle(std::make_shared<OpenFile>(link_, fid, qid.path, info.flags));
    info.direct_io = 1;
    std::vector<RecentStatus> seen = {{found.entry.ino, found.entry.attr, {}}};
    cache_.remember(found.question, found.entry.attr);
    if (cache_.is_current(found.question) && kernel_keeps_names_)
        found.entry.entry_timeout = seconds(link_.delegated_for());
    if (call->created(found.entry, info)) {
        remember(call->thread(), 0, std::move(seen));
        co_return;
    }
    handles_.erase(info.fh);
    forget(found.entry.ino, 1);
}

}  // namespace understudy::files
