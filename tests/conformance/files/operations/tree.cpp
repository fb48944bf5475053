// SPDX-License-Identifier: Apache-2.0
#include "tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace understudy::files::testing {

namespace {

constexpr const char* above = "/1/2/3/tree";
constexpr std::uint64_t page = 4096;

std::string errno_text() {
    const char* name = ::strerrorname_np(errno);
    return name == nullptr ? std::to_string(errno) : name;
}

std::string outcome(long result) {
    return result >= 0 ? fmt::format("{}", result) : errno_text();
}

// Data is compared by a digest and a length; FNV-1a is enough for what a bug would do.
struct Digest {
    void add(const char* data, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            hash = (hash ^ static_cast<unsigned char>(data[i])) * 0x100000001b3U;
        bytes += size;
    }
    std::string text() const { return fmt::format("{} bytes {:016x}", bytes, hash); }

    std::uint64_t hash = 0xcbf29ce484222325U;
    std::size_t bytes = 0;
};

std::string digest(const char* data, std::size_t size) {
    Digest all;
    all.add(data, size);
    return all.text();
}

std::string describe(const struct stat& it) {
    // A folder's size is its file system's own affair.
    std::string size = S_ISDIR(it.st_mode) ? "-" : std::to_string(it.st_size);
    return fmt::format("mode={:o} links={} size={}", it.st_mode, it.st_nlink, size);
}

std::string content(int fd) {
    static std::array<char, 128 * 1024> part;
    Digest all;
    for (ssize_t count; (count = ::read(fd, part.data(), part.size())) != 0;) {
        if (count < 0) return errno_text();
        all.add(part.data(), static_cast<std::size_t>(count));
    }
    return all.text();
}

std::string names_in(const std::string& path, std::vector<std::string>* into = nullptr) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return errno_text();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory)) {
        if (into != nullptr) into->push_back(entry->d_name);
        names.push_back(fmt::format("{}:{}", entry->d_name, static_cast<int>(entry->d_type)));
    }
    std::string failed = errno != 0 ? " then " + errno_text() : "";
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return fmt::format("{}{}", fmt::join(names, ","), failed);
}

std::string attribute_names(const std::string& path) {
    std::string raw(4096, '\0');
    ssize_t size = ::llistxattr(path.c_str(), raw.data(), raw.size());
    if (size < 0) return errno_text();
    std::vector<std::string> names;
    for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(names.back().size()) + 1) {
        names.emplace_back(raw.data() + at);
    }
    std::sort(names.begin(), names.end());
    return fmt::format("{}", fmt::join(names, ","));
}

std::string attribute(const std::string& path, const std::string& name) {
    std::string value(4096, '\0');
    ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    return size < 0 ? errno_text() : digest(value.data(), static_cast<std::size_t>(size));
}

}  // namespace

Tree::Tree(std::vector<std::string> roots, const std::string& name) {
    top_ = roots.front() + "/" + name;
    std::filesystem::create_directories(top_ + above);
    for (const std::string& root : roots)
        roots_.emplace_back(::open((root + "/" + name + above).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Tree::~Tree() {
    close_all();
    roots_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(top_, ignored);
}

void Tree::close_all() {
    for (io::UniqueFd& slot : slots_) slot.reset();
}

std::string Tree::full(int client, const std::string& path) const {
    // Through the descriptor: the way to the tree's root isn't looked up each time.
    return fmt::format("/proc/self/fd/{}/{}", roots_[static_cast<std::size_t>(client)].get(),
                       path.empty() ? "." : path);
}

std::string Tree::apply(const Operation& operation) {
    return operation.kind < Kind::open ? on_path(operation) : on_slot(operation);
}

std::string Tree::on_path(const Operation& it) {
    std::string path = full(it.client, it.path), other = full(it.client, it.other);
    switch (it.kind) {
        case Kind::mkdir:
            return outcome(::mkdir(path.c_str(), it.mode));
        case Kind::rmdir:
            return outcome(::rmdir(path.c_str()));
        case Kind::unlink:
            return outcome(::unlink(path.c_str()));
        case Kind::rename:
            return outcome(::rename(path.c_str(), other.c_str()));
        case Kind::link:
            return outcome(::link(path.c_str(), other.c_str()));
        case Kind::symlink:
            return outcome(::symlink(it.other.c_str(), path.c_str()));
        case Kind::make_fifo:
            return outcome(::mkfifo(path.c_str(), it.mode));
        case Kind::truncate:
            return outcome(::truncate(path.c_str(), static_cast<off_t>(it.length)));
        case Kind::chmod:
            return outcome(::chmod(path.c_str(), it.mode));
        case Kind::list:
            return names_in(path);
        case Kind::list_xattrs:
            return attribute_names(path);
        case Kind::get_xattr:
            return attribute(path, it.other);
        case Kind::remove_xattr:
            return outcome(::lremovexattr(path.c_str(), it.other.c_str()));
        case Kind::set_xattr: {
            std::string value = data_of(it.seed, it.length);
            return outcome(::lsetxattr(path.c_str(), it.other.c_str(), value.data(), value.size(), it.flags));
        }
        case Kind::readlink: {
            std::string target(4096, '\0');
            ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
            return size < 0 ? errno_text() : target.substr(0, static_cast<std::size_t>(size));
        }
        case Kind::utimens: {
            timespec times[2] = {{static_cast<time_t>(it.seed % 2'000'000'000), 123'456'789},
                                 {static_cast<time_t>(it.offset + 1), 987'654'321}};
            if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return errno_text();
            struct stat status = {};
            if (::lstat(path.c_str(), &status) != 0) return errno_text();
            // The path itself may lead through the symbolic link that it ends at: looking reads it.
            const std::string read =
                status.st_atim.tv_sec != times[0].tv_sec
                    ? "since"
                    : fmt::format("{}.{}", status.st_atim.tv_sec, status.st_atim.tv_nsec);
            return fmt::format("{} {}.{}", read, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
        }
        case Kind::stat: {
            struct stat status = {};
            return ::stat(path.c_str(), &status) != 0 ? errno_text() : describe(status);
        }
        default:
            break;
    }
    int flags = it.kind == Kind::put ? O_WRONLY | O_CREAT | O_TRUNC : O_WRONLY | O_CREAT | O_APPEND;
    io::UniqueFd file(::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, it.mode));
    if (!file.valid()) return errno_text();
    std::string data = data_of(it.seed, it.length);
    std::string written = outcome(::write(file.get(), data.data(), data.size()));
    return written + " closed " + outcome(::close(file.release()));
}

std::string Tree::on_slot(const Operation& it) {
    io::UniqueFd& slot = slots_[static_cast<std::size_t>(it.slot)];
    if (it.kind == Kind::open) {
        slot.reset(::open(full(it.client, it.path).c_str(), it.flags | O_NONBLOCK | O_CLOEXEC, it.mode));
        return slot.valid() ? "opened" : errno_text();
    }
    int fd = slot.get();
    switch (it.kind) {
        case Kind::close:
            return slot.valid() ? outcome(::close(slot.release())) : "empty";
        case Kind::read_at: {
            std::string data(it.length, '\0');
            ssize_t count = ::pread(fd, data.data(), data.size(), static_cast<off_t>(it.offset));
            return count < 0 ? errno_text() : digest(data.data(), static_cast<std::size_t>(count));
        }
        case Kind::write_at: {
            std::string data = data_of(it.seed, it.length);
            return outcome(::pwrite(fd, data.data(), data.size(), static_cast<off_t>(it.offset)));
        }
        case Kind::write_next: {
            std::string data = data_of(it.seed, it.length);
            long count = ::write(fd, data.data(), data.size());
            return outcome(count) + (count < 0 ? "" : fmt::format(" at {}", ::lseek(fd, 0, SEEK_CUR)));
        }
        case Kind::truncate_open:
            return outcome(::ftruncate(fd, static_cast<off_t>(it.length)));
        case Kind::chmod_open:
            return outcome(::fchmod(fd, it.mode));
        case Kind::sync:
            return outcome(::fsync(fd));
        case Kind::data_sync:
            return outcome(::fdatasync(fd));
        case Kind::stat_open: {
            struct stat status = {};
            return ::fstat(fd, &status) != 0 ? errno_text() : describe(status);
        }
        default:
            return map(fd, it);
    }
}

std::string Tree::map(int fd, const Operation& it) {
    struct stat status = {};
    if (::fstat(fd, &status) != 0) return errno_text();
    auto size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
    std::uint64_t from = it.offset / page * page;
    // Past the file's last page is SIGBUS, and within it nothing that may be written.
    if (!S_ISREG(status.st_mode) || size <= from || it.length == 0) return "nothing to map";
    std::size_t length = std::min(it.length, size - from);
    bool write = it.kind == Kind::map_write;
    void* at = ::mmap(nullptr, length, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
                      static_cast<off_t>(from));
    if (at == MAP_FAILED) return errno_text();
    std::string seen = digest(static_cast<const char*>(at), length);
    if (write) {
        std::string data = data_of(it.seed, length);
        std::copy(data.begin(), data.end(), static_cast<char*>(at));
        seen += " written " + outcome(::msync(at, length, MS_SYNC));
    }
    ::munmap(at, length);
    return seen;
}

std::string Tree::look(int client, const std::string& path) const {
    std::string where = full(client, path);
    struct stat status = {};
    if (::lstat(where.c_str(), &status) != 0) return errno_text();
    std::string text = describe(status);
    if (S_ISDIR(status.st_mode)) return text + " " + names_in(where);
    if (!S_ISREG(status.st_mode)) return text;
    io::UniqueFd file(::open(where.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return text + " " + errno_text();
    return text + " " + content(file.get());
}

std::string Tree::look_at_all(int client, bool attributes) const {
    std::string text;
    walk(client, "", attributes, 0, text);
    return text;
}

void Tree::walk(int client, const std::string& path, bool attributes, int depth, std::string& text) const {
    std::string where = full(client, path);
    text += fmt::format("\"{}\": {}", path, look(client, path));
    if (attributes) {
        text += " attributes " + attribute_names(where);
        for (const char* name : {"user.p", "user.q", "user.r", "user.s"})
            text += " " + attribute(where, name);
    }
    text += "\n";
    struct stat status = {};
    if (depth > 12 || ::lstat(where.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return;
    std::vector<std::string> names;
    names_in(where, &names);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names)
        if (name != "." && name != "..")
            walk(client, path.empty() ? name : path + "/" + name, attributes, depth + 1, text);
}

}  // namespace understudy::files::testing
