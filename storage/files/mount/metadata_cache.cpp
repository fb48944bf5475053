// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/metadata_cache.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_known = 65536;  // of each kind

}  // namespace

void MetadataCache::begin() {
    end();
    on_ = true;
    ++delegation_;
}

void MetadataCache::end() {
    on_ = false;
    forget_statuses();
    forget_all_names();
}

bool MetadataCache::holds(const Question& question, std::uint64_t number) const {
    if (!is_current(question) || question.when < floor_) return false;
    const auto changed = changed_.find(number);
    return changed == changed_.end() || changed->second <= question.when;
}

void MetadataCache::changed(std::uint64_t number) {
    if (!on_) return;
    if (changed_.size() >= max_known) forget_statuses();
    changed_[number] = ++clock_;
    statuses_.erase(number);
}

void MetadataCache::changed(std::uint64_t folder, const std::string& name) {
    if (!on_) return;
    const std::optional<std::uint64_t> known = child(folder, name);
    if (!known) {
        forget_statuses();
        forget_all_names();  // its number may become another folder's
    } else if (*known != 0) {
        changed(*known);
        forget_names(*known);
    }
}

void MetadataCache::remember(const Question& question, const struct stat& status) {
    if (!holds(question, status.st_ino)) return;
    if (statuses_.size() >= max_known) statuses_.clear();
    statuses_[status.st_ino] = status;
}

const struct stat* MetadataCache::status(std::uint64_t number) const {
    const auto known = statuses_.find(number);
    return known == statuses_.end() ? nullptr : &known->second;
}

std::optional<std::uint64_t> MetadataCache::child(std::uint64_t folder, const std::string& name) const {
    const auto known = folders_.find(folder);
    if (known == folders_.end()) return std::nullopt;
    const auto found = known->second.names.find(name);
    if (found != known->second.names.end()) return found->second;
    return known->second.whole ? std::optional<std::uint64_t>(0) : std::nullopt;
}

void MetadataCache::named(std::uint64_t folder, const std::string& name, std::uint64_t number) {
    if (!on_) return;
    if (names_ >= max_known) forget_all_names();
    if (folders_[folder].names.insert_or_assign(name, number).second) ++names_;
}

void MetadataCache::is_empty(std::uint64_t folder) {
    if (!on_) return;
    if (folders_.size() >= max_known) forget_all_names();
    forget_names(folder);
    folders_[folder].whole = true;
}

void MetadataCache::forget_names(std::uint64_t folder) {
    const auto known = folders_.find(folder);
    if (known == folders_.end()) return;
    names_ -= known->second.names.size();
    folders_.erase(known);
}

void MetadataCache::renamed(std::uint64_t from, const std::string& name, std::uint64_t to,
                            const std::string& new_name) {
    if (!on_) return;
    const std::optional<std::uint64_t> moved = child(from, name);
    if (from == to && name == new_name) return;
    if (!moved || *moved == 0) {
        forget_names(to);
    } else if (child(to, new_name) != moved) {  // two names of one file: both stay
        named(to, new_name, *moved);
    } else {
        return;
    }
    named(from, name, 0);
}

void MetadataCache::forget_all_names() {
    folders_.clear();
    names_ = 0;
}

void MetadataCache::forget_statuses() {
    floor_ = ++clock_;
    changed_.clear();
    statuses_.clear();
}

}  // namespace understudy::files
