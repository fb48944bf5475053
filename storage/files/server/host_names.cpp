// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "storage/files/server/host_files.hpp"
#include "storage/files/server/host_places.hpp"

namespace understudy::files {
namespace {

template <typename Reply>
Body made(int directory, const std::string& name) {
    io::UniqueFd place = place_of(directory, name);
    std::optional<struct stat> status = place.valid() ? status_of(place.get()) : std::nullopt;
    if (!status) return failure();
    return Reply{qid_of(*status)};
}

}  // namespace

Body make_directory(const HostFile& directory, const Tmkdir& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    const NamesHeld names(*directory.share);
    if (::mkdirat(directory.place.get(), request.name.c_str(), request.mode & 07777) != 0) return failure();
    if (names.undo() != nullptr) names.undo()->created(directory.place.get(), request.name, true);
    return made<Rmkdir>(directory.place.get(), request.name);
}

Body make_symlink(const HostFile& directory, const Tsymlink& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    const NamesHeld names(*directory.share);
    if (::symlinkat(request.target.c_str(), directory.place.get(), request.name.c_str()) != 0)
        return failure();
    if (names.undo() != nullptr) names.undo()->created(directory.place.get(), request.name, false);
    return made<Rsymlink>(directory.place.get(), request.name);
}

Body make_node(const HostFile& directory, const Tmknod& request) {
    if (!is_one_name(request.name)) return failure(EINVAL);
    mode_t kind = request.mode & S_IFMT;
    if (kind != S_IFREG && kind != S_IFIFO) return failure(EPERM);
    const NamesHeld names(*directory.share);
    if (::mknodat(directory.place.get(), request.name.c_str(), kind | (request.mode & 07777), 0) != 0)
        return failure();
    if (names.undo() != nullptr) names.undo()->created(directory.place.get(), request.name, false);
    return made<Rmknod>(directory.place.get(), request.name);
}

Body make_link(const HostFile& directory, const HostFile& file, const std::string& name) {
    if (!is_one_name(name) || file.share != directory.share) return failure(EINVAL);
    const NamesHeld names(*directory.share);
    // Linking by descriptor needs AT_EMPTY_PATH's privilege; through /proc it needs none.
    if (::linkat(AT_FDCWD, proc_path(file.place.get()).c_str(), directory.place.get(), name.c_str(),
                 AT_SYMLINK_FOLLOW) != 0)
        return failure();
    if (names.undo() != nullptr) names.undo()->created(directory.place.get(), name, false);
    return Rlink{};
}

Body read_link(const HostFile& file) {
    std::array<char, PATH_MAX> target = {};
    ssize_t length = ::readlinkat(file.place.get(), "", target.data(), target.size());
    if (length < 0) return failure();
    return Rreadlink{std::string(target.data(), static_cast<std::size_t>(length))};
}

Body unlink_at(const HostFile& directory, const std::string& name, std::uint32_t flags) {
    if (!is_one_name(name)) return failure(EINVAL);
    const NamesHeld names(*directory.share);
    std::uint64_t freed = bytes_freed_by(directory.place.get(), name);
    int how = (flags & AT_REMOVEDIR) != 0 ? AT_REMOVEDIR : 0;
    NameUndo::Kept kept;
    if (names.undo() != nullptr && !names.undo()->keep(directory.place.get(), name, kept)) return failure();
    if (::unlinkat(directory.place.get(), name.c_str(), how) != 0) {
        const int error = errno;
        if (names.undo() != nullptr) names.undo()->drop(kept);
        return failure(error);
    }
    if (names.undo() != nullptr) names.undo()->removed(directory.place.get(), name, std::move(kept));
    directory.share->release(freed);
    return Runlinkat{};
}

Body rename_at(const HostFile& from, const std::string& old_name, const HostFile& to,
               const std::string& new_name) {
    if (!is_one_name(old_name) || !is_one_name(new_name) || from.share != to.share) return failure(EINVAL);
    const NamesHeld names(*from.share);
    struct stat before = {}, after = {};
    bool same = ::fstatat(from.place.get(), old_name.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0 &&
                ::fstatat(to.place.get(), new_name.c_str(), &after, AT_SYMLINK_NOFOLLOW) == 0 &&
                before.st_ino == after.st_ino;
    std::uint64_t freed = same ? 0 : bytes_freed_by(to.place.get(), new_name);
    NameUndo::Kept kept;
    NameUndo* const undo = same ? nullptr : names.undo();
    if (undo != nullptr && !undo->keep(to.place.get(), new_name, kept)) return failure();
    if (::renameat(from.place.get(), old_name.c_str(), to.place.get(), new_name.c_str()) != 0) {
        const int error = errno;
        if (undo != nullptr) undo->drop(kept);
        return failure(error);
    }
    if (undo != nullptr)
        undo->renamed(from.place.get(), old_name, to.place.get(), new_name, std::move(kept), before.st_ino);
    from.share->release(freed);
    return Rrenameat{};
}

Body rename_file(const HostFile& file, const HostFile& to, const std::string& new_name) {
    std::optional<Parent> parent = parent_of(file);
    if (!parent) return failure(ENOENT);
    HostFile from;
    from.share = file.share;
    from.place = std::move(parent->directory);
    Body reply = rename_at(from, parent->name, to, new_name);
    return std::holds_alternative<Rrenameat>(reply) ? Body(Rrename{}) : reply;
}

Body remove_file(const HostFile& file) {
    std::optional<Parent> parent = parent_of(file);
    if (!parent) return failure(ENOENT);
    HostFile from;
    from.share = file.share;
    from.place = std::move(parent->directory);
    std::uint32_t flags = file.qid.type == static_cast<std::uint8_t>(QidType::directory) ? AT_REMOVEDIR : 0;
    Body reply = unlink_at(from, parent->name, flags);
    return std::holds_alternative<Runlinkat>(reply) ? Body(Rremove{}) : reply;
}

}  // namespace understudy::files
