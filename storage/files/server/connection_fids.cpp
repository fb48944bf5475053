// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "storage/files/server/connection.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {
constexpr std::size_t max_fids = 65536;
}

Connection::FidPtr Connection::find(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? nullptr : found->second;
}

bool Connection::is_taken(std::uint32_t fid) const {
    return fid == no_fid || fids_.contains(fid) || proofs_.contains(fid);
}

bool Connection::add(std::uint32_t fid, std::shared_ptr<const HostFile> file, const FileStrand& strand) {
    if (is_taken(fid) || fids_.size() >= max_fids) return false;
    return fids_.try_emplace(fid, std::make_shared<Fid>(Fid{std::move(file), strand, {}})).second;
}

FileStrand Connection::new_strand() const {
    return asio::make_strand(host_.file_pool().get_executor());
}

void Connection::opened(Fid& fid, std::shared_ptr<const HostFile> file) {
    fid.file = std::move(file);
    ++open_files_[fid.file->qid.path];
}

void Connection::forget(std::uint32_t number) {
    auto found = fids_.find(number);
    if (found == fids_.end()) return;
    FidPtr fid = std::move(found->second);
    fids_.erase(found);
    if (is_delegation(number)) {
        delegation_fid_.reset();
        share_->sessions->return_delegation(session_);
    }
    if (!fid->file->opened.valid()) return;
    auto count = open_files_.find(fid->file->qid.path);
    if (count == open_files_.end() || --count->second > 0) return;
    open_files_.erase(count);
    share_->sessions->release_file(session_, fid->file->qid.path);
}

bool Connection::has_open(std::uint64_t inode) const {
    return open_files_.contains(inode);
}

void Connection::reclaim_done() {
    // After a reconnection, what is still wanted was opened and locked again by now.
    if (std::exchange(resumed_, false))
        share_->sessions->release_all_files_but(session_,
                                                [this](std::uint64_t inode) { return has_open(inode); });
    share_->sessions->reclaim_done(session_);
}

}  // namespace understudy::files
