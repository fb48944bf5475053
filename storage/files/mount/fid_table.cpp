// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/fid_table.hpp"

#include <algorithm>

namespace understudy::files {

std::string child_path(const std::string& parent, const std::string& name) {
    return parent.empty() ? name : parent + "/" + name;
}

std::vector<std::string> names_of(const std::string& path) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < path.size();) {
        std::size_t end = std::min(path.find('/', at), path.size());
        names.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return names;
}

std::uint32_t FidTable::free_number() {
    do ++next_;
    while (next_ >= delegation_fid || next_ == root_fid || fids_.contains(next_));
    return next_;
}

void FidTable::know(std::uint32_t fid, const std::string& path, const Qid& qid) {
    erase(fid);
    fids_[fid] = {path, qid, {}, false, false, false};
    by_path_.emplace(path, fid);
}

void FidTable::know_open(std::uint32_t fid, std::uint32_t flags) {
    auto found = fids_.find(fid);
    if (found != fids_.end()) found->second.open_flags = flags;
}

void FidTable::leave(std::uint32_t fid) {
    auto found = fids_.find(fid);
    if (found != fids_.end()) found->second.leaving = true;
}

void FidTable::erase(std::uint32_t fid) {
    auto found = fids_.find(fid);
    if (found == fids_.end()) return;
    unlist(fid, found->second.path);
    fids_.erase(found);
}

const FidTable::Fid* FidTable::find(std::uint32_t fid) const {
    auto found = fids_.find(fid);
    return found == fids_.end() ? nullptr : &found->second;
}

bool FidTable::is_dead(std::uint32_t fid) const {
    const Fid* known = find(fid);
    return known == nullptr || known->dead || known->leaving;
}

std::string FidTable::path(std::uint32_t fid) const {
    const Fid* known = find(fid);
    return known == nullptr ? std::string() : known->path;
}

Qid FidTable::qid(std::uint32_t fid) const {
    const Fid* known = find(fid);
    return known == nullptr ? Qid{} : known->qid;
}

std::uint32_t FidTable::open_on(std::uint64_t number) const {
    auto open = std::find_if(fids_.begin(), fids_.end(), [&](const auto& entry) {
        const Fid& fid = entry.second;
        return fid.open_flags && !fid.dead && !fid.leaving && fid.qid.path == number;
    });
    return open == fids_.end() ? no_fid : open->first;
}

std::uint32_t FidTable::at(const std::string& path) const {
    auto [first, last] = by_path_.equal_range(path);
    for (auto it = first; it != last; ++it) {
        const Fid& fid = fids_.at(it->second);
        if (!fid.open_flags && !fid.dead && !fid.leaving && fid.qid.path != 0) return it->second;
    }
    return no_fid;
}

std::vector<std::uint32_t> FidTable::to_be_restored() const {
    std::vector<std::uint32_t> known;
    for (const auto& [fid, state] : fids_)
        if (fid != root_fid && state.qid.path != 0) known.push_back(fid);
    return known;
}

void FidTable::died(std::uint32_t fid) {
    auto found = fids_.find(fid);
    if (found != fids_.end()) found->second.dead = true;
}

void FidTable::open_ones_died() {
    for (auto& [fid, state] : fids_)
        if (state.open_flags) state.dead = true;
}

void FidTable::renamed(const std::string& from, const std::string& to) {
    std::vector<std::uint32_t> moved;
    auto [first, last] = by_path_.equal_range(from);
    for (auto it = first; it != last; ++it) moved.push_back(it->second);
    const std::string below = from + "/";
    for (auto it = by_path_.lower_bound(below); it != by_path_.end() && it->first.starts_with(below); ++it)
        moved.push_back(it->second);
    for (std::uint32_t fid : moved) move(fid, to + fids_.at(fid).path.substr(from.size()));
}

void FidTable::unlinked(const std::string& path) {
    auto [first, last] = by_path_.equal_range(path);
    for (auto it = first; it != last; ++it) fids_.at(it->second).gone = true;
    by_path_.erase(first, last);
}

void FidTable::move(std::uint32_t fid, const std::string& path) {
    Fid& state = fids_.at(fid);
    unlist(fid, state.path);
    state.path = path;
    by_path_.emplace(path, fid);
}

void FidTable::unlist(std::uint32_t fid, const std::string& path) {
    auto [first, last] = by_path_.equal_range(path);
    for (auto it = first; it != last; ++it)
        if (it->second == fid) {
            by_path_.erase(it);
            return;
        }
}

}  // namespace understudy::files
