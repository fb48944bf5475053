// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/name_undo.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "storage/files/server/host_places.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_changes = 65536;
constexpr std::chrono::minutes max_age{1};

struct Place {
    io::UniqueFd directory;
    std::string name;
};
Place place_at(int root, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const bool nested = slash != std::string::npos;
    return {open_beneath(root, nested ? path.substr(0, slash) : ".", O_PATH | O_DIRECTORY),
            nested ? path.substr(slash + 1) : path};
}

}  // namespace

Result<void> NameUndo::open(int root, const std::string& real_root, const std::string& folder) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    std::filesystem::create_directories(folder, error);
    folder_.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder_.valid()) return system_error(folder, errno, ErrorKind::environment);
    const std::optional<struct stat> here = status_of(folder_.get()), there = status_of(root);
    if (!here || !there || here->st_dev != there->st_dev)
        return Error(ErrorKind::environment, real_root,
                     "power_loss needs a folder beside it on its file system")
            .with_remedy("export a folder below the mount point");
    root_ = root;
    real_root_ = real_root;
    return {};
}

bool NameUndo::keep(int directory, const std::string& name, Kept& kept) {
    struct stat status = {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
    if (S_ISDIR(status.st_mode)) {
        kept.what = Kept::What::directory;
        kept.mode = status.st_mode & 07777;
        return true;
    }
    kept.as = std::to_string(next_kept_++);
    if (::linkat(directory, name.c_str(), folder_.get(), kept.as.c_str(), 0) != 0) return false;
    kept.what = Kept::What::file;
    kept.inode = status.st_ino;
    ++kept_links_[kept.inode];
    return true;
}

void NameUndo::drop(const Kept& kept) {
    if (kept.what != Kept::What::file) return;
    ::unlinkat(folder_.get(), kept.as.c_str(), 0);
    if (auto links = kept_links_.find(kept.inode); links != kept_links_.end() && --links->second == 0)
        kept_links_.erase(links);
}

void NameUndo::created(int directory, const std::string& name, bool is_directory) {
    Change change{Change::What::created, path_of(directory, name)};
    change.is_directory = is_directory;
    note(std::move(change));
}

void NameUndo::removed(int directory, const std::string& name, Kept kept) {
    Change change{Change::What::removed, path_of(directory, name)};
    change.kept = std::move(kept);
    note(std::move(change));
}

void NameUndo::renamed(int from, const std::string& old_name, int to, const std::string& new_name, Kept kept,
                       std::uint64_t inode) {
    Change change{Change::What::renamed, path_of(to, new_name)};
    change.old_path = path_of(from, old_name);
    change.kept = std::move(kept);
    change.inode = inode;
    note(std::move(change));
}

void NameUndo::mode_changed(int place, mode_t before) {
    Change change{Change::What::mode, path_of(place)};
    change.mode = before & 07777;
    note(std::move(change));
}

void NameUndo::attribute_changed(int place, const std::string& name, std::optional<std::string> before) {
    Change change{Change::What::attribute, path_of(place)};
    change.attribute = name;
    change.value = std::move(before);
    note(std::move(change));
}

void NameUndo::note(Change change) {
    changes_.push_back(std::move(change));
}

std::size_t NameUndo::overdue() const {
    const auto limit = std::chrono::steady_clock::now() - max_age;
    std::size_t due = 0;
    while (due < changes_.size() && (changes_.size() - due > max_changes || changes_[due].at < limit)) ++due;
    return due == 0 ? 0 : committed_ + due;
}

std::vector<std::uint64_t> NameUndo::commit(std::size_t until) {
    std::vector<std::uint64_t> renamed;
    while (!changes_.empty() && committed_ < until) {
        const Change& change = changes_.front();
        if (change.what == Change::What::renamed && change.kept.what == Kept::What::file)
            renamed.push_back(change.inode);
        drop(change.kept);
        changes_.pop_front();
        ++committed_;
    }
    return renamed;
}

std::uint64_t NameUndo::kept_links(std::uint64_t inode) const {
    const auto found = kept_links_.find(inode);
    return found == kept_links_.end() ? 0 : found->second;
}

Result<void> NameUndo::roll_back() {
    Result<void> outcome;
    for (; !changes_.empty(); changes_.pop_back())
        if (!undo(changes_.back()) && outcome.has_value())
            outcome = system_error(changes_.back().path, errno);
    return outcome;
}

bool NameUndo::undo(const Change& change) {
    const Place at = place_at(root_, change.path);
    if (!at.directory.valid()) return false;
    switch (change.what) {
        case Change::What::created:
            return ::unlinkat(at.directory.get(), at.name.c_str(), change.is_directory ? AT_REMOVEDIR : 0) ==
                   0;
        case Change::What::removed:
            return restore(change.kept, at.directory.get(), at.name);
        case Change::What::renamed: {
            const Place old = place_at(root_, change.old_path);
            return old.directory.valid() &&
                   ::renameat(at.directory.get(), at.name.c_str(), old.directory.get(), old.name.c_str()) ==
                       0 &&
                   restore(change.kept, at.directory.get(), at.name);
        }
        case Change::What::mode:
        case Change::What::attribute:
            break;
    }
    const io::UniqueFd place =
        open_beneath(root_, change.path.empty() ? "." : change.path, O_PATH | O_NOFOLLOW);
    if (!place.valid()) return errno == ENOENT;  // it had lost its last name already
    const std::string path = proc_path(place.get());
    if (change.what == Change::What::mode) return ::chmod(path.c_str(), change.mode) == 0;
    if (!change.value) return ::removexattr(path.c_str(), change.attribute.c_str()) == 0;
    return ::setxattr(path.c_str(), change.attribute.c_str(), change.value->data(), change.value->size(),
                      0) == 0;
}

bool NameUndo::restore(const Kept& kept, int directory, const std::string& name) {
    switch (kept.what) {
        case Kept::What::nothing:
            return true;
        case Kept::What::directory:
            return ::mkdirat(directory, name.c_str(), kept.mode) == 0;
        case Kept::What::file:
            break;
    }
    return ::renameat(folder_.get(), kept.as.c_str(), directory, name.c_str()) == 0;
}

std::string NameUndo::path_of(int place) const {
    std::array<char, PATH_MAX> real = {};
    const ssize_t length = ::readlink(proc_path(place).c_str(), real.data(), real.size());
    const std::string path(real.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return path.size() > real_root_.size() ? path.substr(real_root_.size() + 1) : std::string();
}

std::string NameUndo::path_of(int directory, const std::string& name) const {
    const std::string above = path_of(directory);
    return above.empty() ? name : above + "/" + name;
}

}  // namespace understudy::files
