// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fence_table.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace understudy::files {

void FenceTable::restore(std::uint64_t reserved, std::map<std::uint64_t, File> files,
                         std::map<Key, Carried> carried) {
    UNDERSTUDY_ASSERT(latest_ == 0 && carried_.empty(), "fencing numbers are restored before any is given");
    // Which of the reserved numbers were given is not known: all may have been.
    latest_ = reserved_ = bound_ = reserved;
    files_ = std::move(files);
    carried_ = std::move(carried);
}

std::uint64_t FenceTable::granted(std::uint64_t session, std::uint64_t inode, bool reclaimed,
                                  bool& must_keep) {
    must_keep = is_carried(inode);
    auto known = files_.find(inode);
    if (reclaimed && known != files_.end() && known->second.owner == session) return known->second.number;
    if (latest_ == reserved_) {
        reserved_ += fence_block;
        must_keep = true;
    }
    ++latest_;
    if (known == files_.end()) {
        make_room();
        known = files_.emplace(inode, File{bound_, std::nullopt, bound_}).first;
    }
    File& file = known->second;
    if (file.owner != session) file.of_others = file.number;
    file.owner = session;
    file.number = latest_;
    for (auto it = carried_.lower_bound({inode, 0}); it != carried_.end() && it->first.first == inode; ++it)
        if (it->first.second != session) it->second.overtaken = true;
    return latest_;
}

FenceSet FenceTable::set(std::uint64_t session, std::uint64_t inode, std::uint64_t number) {
    if (number == 0 || number > latest_) return FenceSet::never_given;
    auto known = carried_.find({inode, session});
    if (known == carried_.end()) {
        auto held = std::count_if(carried_.begin(), carried_.end(),
                                  [&](const auto& each) { return each.first.second == session; });
        if (static_cast<std::size_t>(held) >= max_carried_per_session) return FenceSet::too_many;
        known = carried_.emplace(Key{inode, session}, Carried{}).first;
    }
    Carried& carried = known->second;
    if (!carried.overtaken) {
        auto file = files_.find(inode);
        // Where a file's numbers are not known any more, each up to the bound may be another's.
        std::uint64_t of_others = file == files_.end()            ? bound_
                                  : file->second.owner == session ? file->second.of_others
                                                                  : file->second.number;
        carried.number = number;
        carried.overtaken = of_others > number;
    }
    return carried.overtaken ? FenceSet::overtaken : FenceSet::carried;
}

bool FenceTable::may_write(std::uint64_t session, std::uint64_t inode) const {
    auto found = carried_.find({inode, session});
    return found == carried_.end() || !found->second.overtaken;
}

bool FenceTable::report_refusal(std::uint64_t session, std::uint64_t inode) {
    auto found = carried_.find({inode, session});
    return found != carried_.end() && !std::exchange(found->second.reported, true);
}

void FenceTable::forget_session(std::uint64_t session) {
    std::erase_if(carried_, [&](const auto& each) { return each.first.second == session; });
    // Its grants stay what they are: those of another, for everyone who comes.
}

std::uint64_t FenceTable::number(std::uint64_t inode) const {
    auto found = files_.find(inode);
    return found == files_.end() ? bound_ : found->second.number;
}

std::optional<std::uint64_t> FenceTable::carried(std::uint64_t session, std::uint64_t inode) const {
    auto found = carried_.find({inode, session});
    if (found == carried_.end()) return std::nullopt;
    return found->second.number;
}

std::map<std::uint64_t, FenceTable::File> FenceTable::carried_files() const {
    std::map<std::uint64_t, File> files;
    for (const auto& [key, carried] : carried_)
        if (auto found = files_.find(key.first); found != files_.end()) files.insert(*found);
    return files;
}

bool FenceTable::is_carried(std::uint64_t inode) const {
    auto found = carried_.lower_bound({inode, 0});
    return found != carried_.end() && found->first.first == inode;
}

void FenceTable::make_room() {
    if (files_.size() < max_numbered_files) return;
    // A quarter at once, so that this stays rare.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> by_number;
    for (const auto& [inode, file] : files_)
        if (!is_carried(inode)) by_number.emplace_back(file.number, inode);
    std::sort(by_number.begin(), by_number.end());
    by_number.resize(std::min(by_number.size(), max_numbered_files / 4));
    for (const auto& [number, inode] : by_number) {
        bound_ = std::max(bound_, number);
        files_.erase(inode);
    }
}

}  // namespace understudy::files
