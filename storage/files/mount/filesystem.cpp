// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/filesystem.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <utility>

#include "base/io/clock.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr Duration recent_limit = 100us;  // less than it takes another host to be told of anything
constexpr std::size_t max_recent_threads = 256;
constexpr int asked_next_limit = 8;

}  // namespace

Filesystem::CallPtr Filesystem::begin(fuse_req_t request) {
    CallPtr call = FuseCall::make(request, executor_, [this] { return link_.is_ready(); });
    if (auto recent = recent_.extract(call->thread()); !recent.empty()) call->recent = recent.mapped();
    return call;
}

void Filesystem::remember(pid_t thread, fuse_ino_t folder, std::vector<RecentStatus> seen) {
    const Instant now = io::monotonic_now();
    for (RecentStatus& each : seen) each.when = now;
    if (recent_.size() >= max_recent_threads) recent_.clear();
    recent_[thread] = {folder, std::move(seen)};
}

// One system call that goes by path asks for the same file's status twice: the kernel first looks its name
// up. What the lookup was told is good for the question that the same thread asks right after it.
std::optional<struct stat> Filesystem::recent_status(const CallPtr& call, fuse_ino_t inode) {
    std::optional<struct stat> status;
    const Instant now = io::monotonic_now();
    for (const RecentStatus& each : call->recent.seen)
        if (each.inode == inode && now - each.when <= recent_limit) status = each.status;
    auto known = inodes_.find(inode);
    if (known == inodes_.end()) return status;
    if (inode == call->recent.folder) known->second.asked_next = asked_next_limit;
    if (behind_.is_pending(known->second.number)) status.reset();
    return status;
}

void Filesystem::spawn(Task task) {
    asio::co_spawn(executor_, std::move(task), asio::detached);
}

std::uint32_t Filesystem::fid_of(fuse_ino_t inode) const {
    auto found = inodes_.find(inode);
    return found == inodes_.end() ? no_fid : found->second.fid;
}

std::uint64_t Filesystem::number_of(fuse_ino_t inode) const {
    auto found = inodes_.find(inode);
    return found == inodes_.end() ? 0 : link_.fids().qid(found->second.fid).path;
}

void Filesystem::delegation_changed(Link::DelegationState now) {
    if (now == Link::DelegationState::held) {
        // Asked before anything is kept: this kernel may have no way to make it forget.
        kernel_keeps_names_ = kernel_ != nullptr && kernel_->forget_names();
        cache_.begin();
        return;
    }
    cache_.end();
    if (kernel_ == nullptr) return;
    // Names last for as long as nobody else can have changed them. Forgotten at once they would make all but
    // the first who looks one up wait where no signal reaches them, until the server is back.
    if (kernel_keeps_names_ && now == Link::DelegationState::over) kernel_->forget_names();
    for (auto& [number, inode] : inodes_)
        if (std::exchange(inode.attributes_kept, false)) kernel_->forget_attributes(number);
}

asio::awaitable<Answer> Filesystem::ask(const CallPtr& call, Body request) {
    co_return co_await link_.call(std::move(request), call->answered());
}

asio::awaitable<Answer> Filesystem::walk(CallPtr call, std::uint32_t from, std::uint32_t to,
                                         std::string name) {
    if (from == no_fid || link_.fids().is_dead(from)) co_return Answer{{}, ESTALE, false};
    Twalk request{from, to, {}};
    if (!name.empty()) request.names.push_back(std::move(name));
    co_return co_await ask(call, std::move(request));
}

std::string Filesystem::child(fuse_ino_t parent, const std::string& name) const {
    return child_path(link_.fids().path(fid_of(parent)), name);
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
    inodes_[number] = {fid, qid.path, 1, {}, 0, false};
    by_number_[qid.path] = number;
    return number;
}

void Filesystem::forget(fuse_ino_t number, std::uint64_t count) {
    auto found = inodes_.find(number);
    if (found == inodes_.end() || number == FUSE_ROOT_ID) return;
    found->second.lookups -= std::min(found->second.lookups, count);
    if (found->second.lookups != 0) return;
    link_.forget(found->second.fid);
    if (found->second.spare.walk != nullptr) link_.forget(found->second.spare.fid);
    by_number_.erase(found->second.number);
    inodes_.erase(found);
}

std::uint64_t Filesystem::add_handle(OpenFilePtr file) {
    std::uint64_t id = next_handle_++;
    handles_[id] = std::move(file);
    return id;
}

OpenFilePtr Filesystem::handle(std::uint64_t id) const {
    auto found = id == no_handle ? handles_.end() : handles_.find(id);
    return found == handles_.end() ? nullptr : found->second;
}

OpenFilePtr Filesystem::live_handle(std::uint64_t id) const {
    OpenFilePtr file = handle(id);
    return file == nullptr || link_.fids().is_dead(file->fid) ? nullptr : file;
}

}  // namespace understudy::files
