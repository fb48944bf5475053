// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/undo_log.hpp"

#include <unistd.h>

#include <cerrno>

namespace understudy::files {
namespace {

constexpr std::uint64_t max_remembered_bytes = 256ULL << 20;
constexpr std::size_t max_files = 1024;

}  // namespace

Result<std::unique_ptr<UndoLog>> UndoLog::open(int root, const std::string& real_root,
                                               const std::string& folder) {
    auto log = std::make_unique<UndoLog>();
    UNDERSTUDY_CHECK(log->names_.open(root, real_root, folder));
    return log;
}

UndoLog::Change::Change(UndoLog& log, int file, std::uint64_t inode)
    : log_(log), file_(log.find_or_make(file, inode)) {
    if (file_ == nullptr) return;
    held_ = std::unique_lock(file_->mutex());
    remembered_ = file_->remembered_bytes();
}

// What is too much to remember is written through, as a kernel writes back when memory gets short.
UndoLog::Change::~Change() {
    if (file_ == nullptr || log_.remembered_ <= max_remembered_bytes) return;
    if (::fdatasync(file_->descriptor()) == 0) synced();
}

bool UndoLog::Change::before_write(std::uint64_t first, std::uint64_t count) {
    if (file_ == nullptr) return false;
    const bool kept = file_->before_write(first, count);
    this->count();
    return kept;
}

bool UndoLog::Change::before_resize(std::uint64_t size) {
    if (file_ == nullptr) return false;
    const bool kept = file_->before_resize(size);
    count();
    return kept;
}

void UndoLog::Change::count() {
    log_.remembered_ += file_->remembered_bytes() - remembered_;
    remembered_ = file_->remembered_bytes();
}

void UndoLog::Change::synced() {
    if (file_ != nullptr) log_.remembered_ -= file_->synced();
    remembered_ = 0;
}

std::shared_ptr<FileUndo> UndoLog::find(std::uint64_t inode) {
    const std::lock_guard<std::mutex> held(mutex_);
    const auto found = files_.find(inode);
    return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<FileUndo> UndoLog::find_or_make(int file, std::uint64_t inode) {
    const std::lock_guard<std::mutex> held(mutex_);
    if (const auto found = files_.find(inode); found != files_.end()) return found->second;
    if (files_.size() >= max_files) forget_clean_files();
    if (files_.size() >= max_files) {  // the first that nobody has in hand becomes durable early
        for (auto it = files_.begin(); it != files_.end(); ++it)
            if (it->second.use_count() == 1 && ::fdatasync(it->second->descriptor()) == 0) {
                remembered_ -= it->second->synced();
                files_.erase(it);
                break;
            }
    }
    Result<std::unique_ptr<FileUndo>> made = FileUndo::of(file);
    if (made.has_error()) {
        errno = made.error().number ? static_cast<int>(*made.error().number) : EIO;
        return nullptr;
    }
    return files_[inode] = std::move(*made);
}

void UndoLog::forget_clean_files() {
    std::erase_if(files_, [](const auto& it) { return it.second.use_count() == 1 && it.second->is_clean(); });
}

std::size_t UndoLog::names_made() {
    const std::lock_guard<std::mutex> held(names_.mutex());
    return names_.count();
}

void UndoLog::commit(std::size_t names) {
    std::vector<std::uint64_t> renamed;
    {
        const std::lock_guard<std::mutex> held(names_.mutex());
        renamed = names_.commit(names);
    }
    for (const std::uint64_t inode : renamed)
        if (const std::shared_ptr<FileUndo> file = find(inode)) {
            const std::lock_guard<std::mutex> held(file->mutex());
            ::fdatasync(file->descriptor());
            remembered_ -= file->synced();
        }
    const std::lock_guard<std::mutex> held(mutex_);
    forget_clean_files();
}

std::uint64_t UndoLog::kept_links(std::uint64_t inode) {
    const std::lock_guard<std::mutex> held(names_.mutex());
    return names_.kept_links(inode);
}

std::optional<std::uint64_t> UndoLog::kept_links_at_once(std::uint64_t inode) {
    const std::unique_lock<std::mutex> held(names_.mutex(), std::try_to_lock);
    if (!held.owns_lock()) return std::nullopt;
    return names_.kept_links(inode);
}

Result<void> UndoLog::roll_back(TornWrites torn, std::uint64_t seed) {
    LandingChoice choice(torn, seed);
    const std::uint64_t landed = choice.names_that_land(names_.pending());
    commit(names_.count() - names_.pending() + landed);
    Result<void> outcome;
    for (const auto& [inode, file] : files_)
        if (Result<void> done = file->roll_back(choice); done.has_error()) outcome = done;
    if (Result<void> done = names_.roll_back(); done.has_error()) outcome = done;
    return outcome;
}

}  // namespace understudy::files
