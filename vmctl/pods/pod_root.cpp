// SPDX-License-Identifier: Apache-2.0
#include "vmctl/pods/pod_root.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {

namespace {

// Where the new root is put together; the machine's /tmp is covered meanwhile, in this mount namespace only.
const std::string new_root = "/tmp";

Error refused(const std::string& subject, int failed) {
    Error error = system_error(subject, failed, ErrorKind::environment);
    if (failed == EPERM || failed == EACCES) {
        error.remedy =
            "this container forbids mounts: start it with --privileged; understudy doctor says more";
    }
    return error;
}

Result<void> make_directory(const std::string& path, mode_t mode = 0755) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) {
            return refused(path.substr(0, slash), errno);
        }
    }
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return refused(path, errno);
    if (mode != 0755 && ::chmod(path.c_str(), mode) != 0) return refused(path, errno);
    return {};
}

Result<void> make_file(const std::string& path, const std::string& text = "") {
    const std::size_t slash = path.rfind('/');
    UNDERSTUDY_CHECK(make_directory(path.substr(0, slash)));
    const io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file.valid()) return refused(path, errno);
    if (::write(file.get(), text.data(), text.size()) < 0) return refused(path, errno);
    return {};
}

// Read-only with everything mounted below. mount_setattr only adds a flag; a remount would have to repeat
// those that a user namespace has locked.
Result<void> make_read_only(const std::string& path) {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) ==
        0) {
        return {};
    }
    return refused(path + " read-only", errno);
}

struct OpenBind {
    RootBind bind;
    io::UniqueFd source;
    bool is_directory = false;
};

// Sources are opened before the new root covers what may be one of them.
Result<std::vector<OpenBind>> open_sources(const std::vector<RootBind>& binds) {
    std::vector<OpenBind> opened;
    for (const RootBind& bind : binds) {
        if (!bind.target.starts_with('/') || bind.target.find("/..") != std::string::npos) {
            return Error(ErrorKind::bad_input, "bind target " + bind.target, "not an absolute path");
        }
        io::UniqueFd source(::open(bind.source.c_str(), O_PATH | O_CLOEXEC));
        struct stat info {};
        if (!source.valid() || ::fstat(source.get(), &info) != 0) {
            return system_error("bind source " + bind.source, errno, ErrorKind::bad_input);
        }
        opened.push_back({bind, std::move(source), S_ISDIR(info.st_mode)});
    }
    return opened;
}

Result<void> bind_descriptor(int source, const std::string& target) {
    const std::string path = fmt::format("/proc/self/fd/{}", source);
    // Recursive always: a user namespace may not part a mount from those below it.
    if (::mount(path.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
        return refused(target, errno);
    return {};
}

Result<void> bind_all(const std::vector<OpenBind>& binds) {
    for (const OpenBind& open : binds) {
        const std::string target = new_root + open.bind.target;
        if (open.is_directory) {
            UNDERSTUDY_CHECK(make_directory(target));
        } else {
            UNDERSTUDY_CHECK(make_file(target));
        }
        UNDERSTUDY_CHECK(bind_descriptor(open.source.get(), target));
        if (open.bind.read_only) UNDERSTUDY_CHECK(make_read_only(target));
    }
    return {};
}

// /usr and what of /bin, /lib … the machine has beside it: symbolic links on a merged system, else
// directories.
Result<void> add_system(std::vector<RootBind>& binds,
                        std::vector<std::pair<std::string, std::string>>& links) {
    binds.push_back({"/usr", "/usr", true});
    for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
        struct stat info {};
        if (::lstat(path, &info) != 0) continue;
        if (!S_ISLNK(info.st_mode)) {
            binds.push_back({path, path, true});
            continue;
        }
        std::array<char, PATH_MAX> target{};
        if (::readlink(path, target.data(), target.size() - 1) < 0) return refused(path, errno);
        links.emplace_back(target.data(), path);
    }
    for (const char* path : {"/etc/passwd", "/etc/group", "/etc/ssl", "/etc/ld.so.cache", "/etc/ld.so.conf",
                             "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/services", "/etc/protocols"}) {
        if (::access(path, R_OK) == 0) binds.push_back({path, path, true});
    }
    return {};
}

void add_devices(std::vector<RootBind>& binds) {
    for (const char* path :
         {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/fuse"}) {
        if (::access(path, F_OK) == 0) binds.push_back({path, path, false});
    }
}

Result<void> add_directories_and_files() {
    for (const char* path : {"/proc", "/sys", "/dev/pts", "/etc", "/run", "/var/lib", "/var/log", "/mnt",
                             "/opt", "/root", "/home"}) {
        UNDERSTUDY_CHECK(make_directory(new_root + path));
    }
    for (const char* path : {"/tmp", "/var/tmp", "/dev/shm"})
        UNDERSTUDY_CHECK(make_directory(new_root + path, 01777));
    static_cast<void>(::symlink("../run", (new_root + "/var/run").c_str()));
    static_cast<void>(::symlink("pts/ptmx", (new_root + "/dev/ptmx").c_str()));
    static_cast<void>(::symlink("/proc/self/fd", (new_root + "/dev/fd").c_str()));
    static_cast<void>(::symlink("/proc/self/mounts", (new_root + "/etc/mtab").c_str()));
    // The machine's own might ask services that aren't here.
    return make_file(new_root + "/etc/nsswitch.conf",
                     "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n");
}

Result<void> mount_kernel_file_systems() {
    const std::string proc = new_root + "/proc";
    if (::mount("proc", proc.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        return refused("a fresh /proc", errno);
    }
    const std::string pts = new_root + "/dev/pts";
    if (::mount("devpts", pts.c_str(), "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=0620") != 0) {
        return refused("/dev/pts", errno);
    }
    // Some containers forbid it; programs of a region can do without.
    const std::string sys = new_root + "/sys";
    static_cast<void>(
        ::mount("sysfs", sys.c_str(), "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr));
    return {};
}

Result<void> make_new_root_the_root() {
    if (::chdir(new_root.c_str()) != 0) return refused(new_root, errno);
    // Old root and new in one place, the old on top: then it is unmounted from there.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return refused("pivot_root", errno);
    if (::umount2(".", MNT_DETACH) != 0) return refused("the old root", errno);
    if (::chdir("/") != 0) return refused("/", errno);
    return {};
}

}  // namespace

Result<void> enter_pod_root(const std::vector<RootBind>& binds) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return refused("private mounts", errno);
    ::umask(0022);
    std::vector<RootBind> all;
    std::vector<std::pair<std::string, std::string>> links;
    UNDERSTUDY_CHECK(add_system(all, links));
    add_devices(all);
    all.insert(all.end(), binds.begin(), binds.end());
    UNDERSTUDY_TRY(const auto opened, open_sources(all));

    if (::mount("tmpfs", new_root.c_str(), "tmpfs", MS_NOSUID, "mode=0755,size=512m") != 0) {
        return refused("the pod's root", errno);
    }
    UNDERSTUDY_CHECK(add_directories_and_files());
    for (const auto& [target, path] : links) {
        if (::symlink(target.c_str(), (new_root + path).c_str()) != 0) return refused(path, errno);
    }
    UNDERSTUDY_CHECK(bind_all(opened));
    UNDERSTUDY_CHECK(mount_kernel_file_systems());
    return make_new_root_the_root();
}

}  // namespace understudy::vmctl
