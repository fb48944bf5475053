// SPDX-License-Identifier: Apache-2.0
#include "sim/node/share.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace understudy::node {
namespace {

constexpr off_t lock_byte = 1;
constexpr off_t id_offset = 3;

}  // namespace

Result<JournalLock> JournalLock::open(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return system_error(directory, errno);
    const std::string path = directory + "/server.lock";
    io::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd.valid()) return system_error(path, errno);
    return JournalLock(std::move(fd), path);
}

Result<bool> JournalLock::request(short type) {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = lock_byte;
    range.l_len = 1;
    if (::fcntl(fd_.get(), F_SETLK, &range) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return system_error(path_, errno);
}

Result<bool> JournalLock::try_lock() {
    UNDERSTUDY_TRY(const bool granted, request(F_WRLCK));
    if (!granted) return false;
    if (::getrandom(id_.data(), id_.size(), 0) != static_cast<ssize_t>(id_.size()))
        return system_error("random id", errno);
    if (::pwrite(fd_.get(), "L", 1, 0) != 1) return system_error(path_, errno);
    if (::pwrite(fd_.get(), id_.data(), id_.size(), id_offset) != static_cast<ssize_t>(id_.size()))
        return system_error(path_, errno);
    if (::fdatasync(fd_.get()) != 0) return system_error(path_, errno);
    return true;
}

Result<void> JournalLock::verify() {
    UNDERSTUDY_TRY(const bool granted, request(F_WRLCK));
    if (!granted) return Error(ErrorKind::failed, path_, "another process has the lock");
    // Without its cached pages the read goes to the share.
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    std::array<char, 16> read_back{};
    const ssize_t count = ::pread(fd_.get(), read_back.data(), read_back.size(), id_offset);
    if (count < 0) return system_error(path_, errno);
    if (count != static_cast<ssize_t>(read_back.size()) || read_back != id_)
        return Error(ErrorKind::failed, path_, "another process has held the lock since");
    return {};
}

Result<void> JournalLock::unlock() {
    UNDERSTUDY_CHECK(request(F_UNLCK));
    return {};
}

Result<void> JournalLock::probe() {
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    char state = 0;
    if (::pread(fd_.get(), &state, 1, 0) < 0) return system_error(path_, errno);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = lock_byte;
    range.l_len = 1;
    if (::fcntl(fd_.get(), F_GETLK, &range) != 0) return system_error(path_, errno);
    return {};
}

}  // namespace understudy::node
