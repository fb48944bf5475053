// SPDX-License-Identifier: Apache-2.0
#include "sim/node/journal.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace understudy::node {
namespace {

Result<std::string> read_all(int fd, const std::string& path) {
    std::string bytes;
    char chunk[64 * 1024];
    while (true) {
        const ssize_t count = ::pread(fd, chunk, sizeof chunk, static_cast<off_t>(bytes.size()));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error(path, errno);
        if (count == 0) return bytes;
        bytes.append(chunk, static_cast<std::size_t>(count));
    }
}

Result<void> write_all(int fd, std::string_view bytes, off_t offset, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error(path, errno);
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += count;
    }
    return {};
}

}  // namespace

Result<Journal> Journal::open(std::string directory, std::size_t max_bytes) {
    Journal journal(std::move(directory), max_bytes);
    const std::string path = journal.path();
    io::UniqueFd present(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!present.valid()) return system_error(path, errno);
    // Another host may have written it last: nothing this host has cached of it counts.
    ::posix_fadvise(present.get(), 0, 0, POSIX_FADV_DONTNEED);
    UNDERSTUDY_TRY(const std::string bytes, read_all(present.get(), path));
    const DecodedJournal decoded = decode_journal(bytes);
    journal.torn_ = decoded.torn;
    UNDERSTUDY_CHECK(journal.rewrite(unfinished_payments(decoded.records)));
    return journal;
}

Result<void> Journal::append(const std::vector<JournalRecord>& records, bool durable) {
    std::string bytes;
    for (const JournalRecord& record : records) bytes += encode_record(record);
    // At the end that is known to be whole: a write that failed half-way is overwritten by the next.
    UNDERSTUDY_CHECK(write_all(fd_.get(), bytes, static_cast<off_t>(size_), path()));
    if (durable && ::fdatasync(fd_.get()) != 0) return system_error(path(), errno);
    size_ += bytes.size();
    live_.insert(live_.end(), records.begin(), records.end());
    if (size_ > max_bytes_ && size_ > 2 * size_after_rewrite_) return rewrite(unfinished());
    return {};
}

Result<void> Journal::rewrite(const std::vector<Payment>& unfinished) {
    const std::string next = path() + ".new";
    io::UniqueFd fd(::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.valid()) return system_error(next, errno);
    std::string bytes;
    live_.clear();
    for (const Payment& payment : unfinished) {
        live_.emplace_back(Announced{payment});
        bytes += encode_record(live_.back());
    }
    UNDERSTUDY_CHECK(write_all(fd.get(), bytes, 0, next));
    if (::fdatasync(fd.get()) != 0) return system_error(next, errno);
    if (::rename(next.c_str(), path().c_str()) != 0) return system_error(next, errno);
    const io::UniqueFd folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Not every file service has fsync on directories; the rename is in order with what follows on the same
    // service.
    if (folder.valid() && ::fsync(folder.get()) != 0 && errno != EINVAL && errno != ENOSYS &&
        errno != EOPNOTSUPP)
        return system_error(directory_, errno);
    fd_ = std::move(fd);
    size_ = size_after_rewrite_ = bytes.size();
    return {};
}

}  // namespace understudy::node
