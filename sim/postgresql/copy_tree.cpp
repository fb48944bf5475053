// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/copy_tree.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/io/unique_fd.hpp"

namespace understudy::postgresql {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = std::size_t{1} << 30;

Result<void> give_to(int descriptor, const fs::path& path, uid_t user, gid_t group) {
    const bool own = user == ::geteuid() && group == ::getegid();
    if (!own && ::fchown(descriptor, user, group) != 0) return system_error(path.string(), errno);
    return {};
}

Result<void> make_folder(const fs::path& path, uid_t user, gid_t group) {
    if (::mkdir(path.c_str(), 0700) != 0) return system_error(path.string(), errno);
    const io::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) return system_error(path.string(), errno);
    return give_to(folder.get(), path, user, group);
}

Result<void> copy_file(const fs::path& from, const fs::path& to, uid_t user, gid_t group) {
    const io::UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!in.valid()) return system_error(from.string(), errno);
    const io::UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!out.valid()) return system_error(to.string(), errno);
    ssize_t copied = 0;
    do copied = ::sendfile(out.get(), in.get(), nullptr, piece_bytes);
    while (copied > 0 || (copied < 0 && errno == EINTR));
    if (copied < 0) return system_error(to.string(), errno);
    return give_to(out.get(), to, user, group);
}

}  // namespace

Result<void> copy_tree(const fs::path& from, const fs::path& to, uid_t user, gid_t group) {
    UNDERSTUDY_CHECK(make_folder(to, user, group));
    std::error_code failure;
    for (fs::recursive_directory_iterator entry(from, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        const fs::path target = to / entry->path().lexically_relative(from);
        if (entry->is_directory())
            UNDERSTUDY_CHECK(make_folder(target, user, group));
        else if (entry->is_regular_file())
            UNDERSTUDY_CHECK(copy_file(entry->path(), target, user, group));
        else
            return Error(ErrorKind::failed, entry->path().string(), "is neither a file nor a folder");
    }
    if (failure) return system_error(from.string(), failure.value());
    return {};
}

}  // namespace understudy::postgresql
