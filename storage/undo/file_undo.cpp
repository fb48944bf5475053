// SPDX-License-Identifier: Apache-2.0
#include "storage/undo/file_undo.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace understudy::storage {
namespace {

std::optional<std::string> read_at(int file, std::uint64_t offset, std::size_t bytes) {
    std::string held(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t count =
            ::pread(file, held.data() + done, bytes - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::nullopt;
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    held.resize(done);
    return held;
}

bool write_at(int file, std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<FileUndo>> FileUndo::of(int file) {
    auto made = std::make_unique<FileUndo>();
    made->file_.reset(::open(fmt::format("/proc/self/fd/{}", file).c_str(), O_RDWR | O_CLOEXEC));
    // Made with a mode that forbids it: whoever made it may still have it open.
    if (!made->file_.valid() && (::fcntl(file, F_GETFL) & O_ACCMODE) == O_RDWR)
        made->file_.reset(::fcntl(file, F_DUPFD_CLOEXEC, 0));
    if (!made->file_.valid()) return system_error("undo log", errno);
    return made;
}

bool FileUndo::begin() {
    if (size_) return true;
    struct stat status = {};
    if (::fstat(file_.get(), &status) != 0) return false;
    size_ = static_cast<std::uint64_t>(status.st_size);
    return true;
}

bool FileUndo::remember(std::uint64_t page) {
    if (page * undo_page_bytes >= *size_ || pages_.contains(page)) return true;
    const std::uint64_t offset = page * undo_page_bytes;
    std::optional<std::string> held =
        read_at(file_.get(), offset, std::min(undo_page_bytes, *size_ - offset));
    if (!held) return false;
    remembered_ += held->size();
    pages_.emplace(page, std::move(*held));
    return true;
}

bool FileUndo::before_write(std::uint64_t first, std::uint64_t count) {
    if (count == 0) return true;
    if (!begin()) return false;
    const std::uint64_t last = (first + count - 1) / undo_page_bytes;
    for (std::uint64_t page = first / undo_page_bytes; page <= last && page * undo_page_bytes < *size_;
         ++page)
        if (!remember(page)) return false;
    return true;
}

bool FileUndo::before_resize(std::uint64_t size) {
    if (!begin()) return false;
    // What a smaller size cuts off would read as zeros when the file grows again.
    for (std::uint64_t page = size / undo_page_bytes; page * undo_page_bytes < *size_; ++page)
        if (!remember(page)) return false;
    return true;
}

std::uint64_t FileUndo::synced() {
    size_.reset();
    pages_.clear();
    return std::exchange(remembered_, 0);
}

Result<void> FileUndo::roll_back(LandingChoice& choice) {
    if (!size_) return {};
    struct stat status = {};
    if (::fstat(file_.get(), &status) != 0) return system_error("undo log", errno);
    const auto now = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t kept_size = choice.lands() ? now : *size_;
    const std::uint64_t unit = choice.unit_bytes();
    for (const auto& [page, held] : pages_)
        for (std::uint64_t at = 0; at < held.size(); at += unit)
            if (!choice.lands() &&
                !write_at(file_.get(), page * undo_page_bytes + at, std::string_view(held).substr(at, unit)))
                return system_error("undo log", errno);
    // Of what lies past the old size nothing was remembered: it is there, or it is zeros.
    if (kept_size > *size_) {
        const std::string zeros(unit, '\0');
        for (std::uint64_t at = *size_; at < kept_size;) {
            const std::uint64_t next = std::min(kept_size, (at / unit + 1) * unit);
            if (!choice.lands() && !write_at(file_.get(), at, std::string_view(zeros).substr(0, next - at)))
                return system_error("undo log", errno);
            at = next;
        }
    }
    if (::ftruncate(file_.get(), static_cast<off_t>(kept_size)) != 0) return system_error("undo log", errno);
    synced();
    return {};
}

}  // namespace understudy::storage
