// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "storage/files/core/codec.hpp"
#include "storage/files/server/host_at_once.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/host_places.hpp"

namespace understudy::files {

Body read_file(const HostFile& file, const Tread& request) {
    Rread reply;
    if (file.is_attribute) {
        if (request.offset < file.attribute.size())
            reply.data.value = file.attribute.substr(request.offset, request.count);
        return reply;
    }
    if (!file.opened.valid()) return failure(EBADF);
    if (request.offset > static_cast<std::uint64_t>(INT64_MAX)) return failure(EINVAL);
    reply.data.value.resize(request.count);
    std::size_t done = 0;
    while (done < reply.data.value.size()) {
        ssize_t count = ::pread(file.opened.get(), reply.data.value.data() + done,
                                reply.data.value.size() - done, static_cast<off_t>(request.offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && done == 0) return failure();
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    reply.data.value.resize(done);
    return reply;
}

std::optional<Body> read_file_at_once(const HostFile& file, const Tread& request) {
    if (file.is_attribute) return read_file(file, request);
    const WaitsFor waits = file.share->waits();
    if (waits == WaitsFor::anything || request.count > max_bytes_at_once || !file.opened.valid() ||
        request.offset > static_cast<std::uint64_t>(INT64_MAX))
        return std::nullopt;
    if (waits == WaitsFor::nothing) return read_file(file, request);
    Rread reply;
    std::string& data = reply.data.value;
    data.resize(request.count);
    for (std::size_t done = 0; done < data.size();) {
        const iovec rest = {data.data() + done, data.size() - done};
        const ssize_t count =
            ::preadv2(file.opened.get(), &rest, 1, static_cast<off_t>(request.offset + done), RWF_NOWAIT);
        if (count < 0) return std::nullopt;
        if (count == 0) data.resize(done);
        done += static_cast<std::size_t>(count);
    }
    return reply;
}

Body write_file(const HostFile& file, const Twrite& request) {
    if (!file.opened.valid()) return failure(EBADF);
    if (request.offset > static_cast<std::uint64_t>(INT64_MAX) - request.data.value.size())
        return failure(EFBIG);
    std::optional<UndoLog::Change> change;
    if (file.share->undo() != nullptr) change.emplace(*file.share->undo(), file.opened.get(), file.qid.path);
    std::optional<struct stat> status = status_of(file.opened.get());
    if (!status) return failure();
    auto size = static_cast<std::uint64_t>(status->st_size);
    std::uint64_t begin = file.append ? size : request.offset;
    std::uint64_t end = begin + request.data.value.size();
    std::uint64_t wanted = end > size ? end - size : 0;
    std::uint64_t growth = file.share->reserve_up_to(wanted);
    // A disk that fills up takes what fits and refuses the rest.
    std::string_view data = request.data.value;
    if (growth < wanted) {
        std::uint64_t fits = size + growth > begin ? size + growth - begin : 0;
        if (fits == 0 && !data.empty()) {
            file.share->release(growth);
            return failure(ENOSPC);
        }
        data = data.substr(0, fits);
    }
    if (change && !change->before_write(begin, data.size())) {
        const int error = errno;
        file.share->release(growth);
        return failure(error);
    }
    std::size_t done = 0;
    int error = 0;
    while (done < data.size()) {
        ssize_t count = ::pwrite(file.opened.get(), data.data() + done, data.size() - done,
                                 static_cast<off_t>(request.offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) error = errno;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    if (done < data.size()) file.share->release(std::min<std::uint64_t>(growth, data.size() - done));
    if (done == 0 && error != 0) return failure(error);
    if (change && file.writes_through) change->synced();
    return Rwrite{static_cast<std::uint32_t>(done)};
}

Body sync_file(const HostFile& file, const Tfsync& request) {
    if (!file.opened.valid()) return failure(EBADF);
    auto sync = [&] {
        return request.data_only != 0 ? ::fdatasync(file.opened.get()) : ::fsync(file.opened.get());
    };
    const bool directory = file.qid.type == static_cast<std::uint8_t>(QidType::directory);
    const int result =
        file.share->undo() == nullptr ? sync() : file.share->undo()->sync(file.qid.path, directory, sync);
    if (result != 0) return failure();
    return Rfsync{};
}

Body read_directory(const HostFile& directory, const Treaddir& request) {
    if (!directory.opened.valid()) return failure(EBADF);
    struct Entry {  // linux_dirent64
        std::uint64_t inode;
        std::int64_t next;
        std::uint16_t length;
        std::uint8_t type;
        char name[1];
    };
    constexpr std::size_t name_at = 19;
    if (::lseek(directory.opened.get(), static_cast<off_t>(request.offset), SEEK_SET) < 0) return failure();
    Rreaddir reply;
    alignas(8) std::array<char, 32 * 1024> raw;
    bool full = false;
    while (!full) {
        long count = ::syscall(SYS_getdents64, directory.opened.get(), raw.data(), raw.size());
        if (count < 0) return reply.entries.value.empty() ? failure() : Body(reply);
        if (count == 0) break;
        for (long at = 0; at < count && !full;) {
            const char* here = raw.data() + at;
            Entry head = {};
            std::copy(here, here + name_at, reinterpret_cast<char*>(&head));
            DirectoryEntry entry;
            entry.qid.path = head.inode;
            entry.qid.type = static_cast<std::uint8_t>(head.type == DT_DIR   ? QidType::directory
                                                       : head.type == DT_LNK ? QidType::symlink
                                                                             : QidType::file);
            entry.next_offset = static_cast<std::uint64_t>(head.next);
            entry.type = head.type;
            entry.name = here + name_at;
            full = !append_entry(reply.entries.value, entry, request.count);
            at += head.length;
        }
    }
    return reply;
}

}  // namespace understudy::files
