// SPDX-License-Identifier: Apache-2.0
// What a file system may have or lack, and the error codes of open files.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/io/unique_fd.hpp"
#include "check.hpp"
#include "tests/integration/storage_files/programs.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {

namespace {

io::UniqueFd open_file(int flags, const char* path = "file") {
    return io::UniqueFd(::open(path, flags | O_CLOEXEC, 0644));
}

long made(int flags) {
    return open_file(flags).valid() ? 0 : -1;
}

void map(Answers& answers, int open_flags, int protection, int kind) {
    put("file", std::string(5000, 'x'));
    io::UniqueFd file = open_file(open_flags);
    void* at = ::mmap(nullptr, 5000, protection, kind, file.get(), 0);
    answers.tell("mmap", at == MAP_FAILED ? -1 : 0);
    if (at == MAP_FAILED) return;
    answers.note(static_cast<char*>(at)[4999] == 'x' ? "content" : "other content");
    if ((protection & PROT_WRITE) == 0) return;
    static_cast<char*>(at)[0] = 'y';
    answers.tell("msync", ::msync(at, 5000, MS_SYNC));
    char first = 0;
    answers.tell("read", ::pread(file.get(), &first, 1, 0));
    answers.note(std::string("first ") + first);
}

void value_of(Answers& answers, std::size_t size) {
    put("file");
    std::string value(size, 'v'), back(size + 1, ' ');
    answers.tell("set", ::setxattr("file", "user.a", value.data(), size, 0));
    answers.tell("get", ::getxattr("file", "user.a", back.data(), back.size()));
    answers.tell("size", ::getxattr("file", "user.a", nullptr, 0));
    char small[1];
    answers.tell("small", size > 1 ? ::getxattr("file", "user.a", small, 1) : 0);
    answers.tell("again", ::setxattr("file", "user.a", "w", 1, XATTR_CREATE));
    answers.tell("replace", ::setxattr("file", "user.b", "w", 1, XATTR_REPLACE));
    answers.tell("remove", ::removexattr("file", "user.a"));
    answers.tell("removed", ::removexattr("file", "user.a"));
}

void ofd_lock(Answers& answers, int command) {
    put("file");
    io::UniqueFd one = open_file(O_RDWR), two = open_file(O_RDWR);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    answers.tell("one", ::fcntl(one.get(), command, &lock));
    lock = {};
    lock.l_type = F_WRLCK;
    answers.tell("two", ::fcntl(two.get(), command, &lock));
}

}  // namespace

std::vector<Check> feature_checks() {
    return {
        {"mmap: shared for reading", [](Answers& a) { map(a, O_RDONLY, PROT_READ, MAP_SHARED); }},
        {"mmap: shared for writing", [](Answers& a) { map(a, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED); }},
        {"mmap: private", [](Answers& a) { map(a, O_RDONLY, PROT_READ, MAP_PRIVATE); }},
        {"mmap: shared for writing of a file opened for reading",
         [](Answers& a) { map(a, O_RDONLY, PROT_READ | PROT_WRITE, MAP_SHARED); }},
        {"xattr: a value of 1 byte", [](Answers& a) { value_of(a, 1); }},
        {"xattr: an empty value", [](Answers& a) { value_of(a, 0); }},
        {"xattr: a value of 2000 bytes", [](Answers& a) { value_of(a, 2000); }},
        {"xattr: a value of 65537 bytes", [](Answers& a) { value_of(a, 65537); }},
        {"xattr: a name of 256 bytes",
         [](Answers& a) {
             put("file");
             a.tell("set", ::setxattr("file", ("user." + std::string(251, 'n')).c_str(), "v", 1, 0));
         }},
        {"xattr: a symbolic link",
         [](Answers& a) {
             (void)!::symlink("x", "s");
             a.tell("set", ::lsetxattr("s", "user.a", "v", 1, 0));
         }},
        {"xattr: an unknown namespace",
         [](Answers& a) {
             put("file");
             a.tell("set", ::setxattr("file", "strange.a", "v", 1, 0));
         }},
        {"xattr: trusted",
         [](Answers& a) {
             put("file");
             a.tell("set", ::setxattr("file", "trusted.a", "v", 1, 0));
         }},
        {"xattr: an access control list",
         [](Answers& a) {
             put("file");
             a.tell("get", ::getxattr("file", "system.posix_acl_access", nullptr, 0));
         }},
        {"nodes: a character device",
         [](Answers& a) { a.tell("mknod", ::mknod("node", S_IFCHR | 0644, makedev(1, 3))); }},
        {"nodes: a block device",
         [](Answers& a) { a.tell("mknod", ::mknod("node", S_IFBLK | 0644, makedev(7, 99))); }},
        {"nodes: a regular file", [](Answers& a) { a.tell("mknod", ::mknod("node", S_IFREG | 0644, 0)); }},
        {"nodes: a socket",
         [](Answers& a) {
             io::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
             sockaddr_un address = {};
             address.sun_family = AF_UNIX;
             std::strcpy(address.sun_path, "socket");
             a.tell("bind", ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
         }},
        {"rename: without replacing",
         [](Answers& a) {
             put("a"), put("b");
             a.tell("taken", ::renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
             a.tell("free", ::renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
         }},
        {"rename: exchange",
         [](Answers& a) {
             put("a"), put("b");
             a.tell("exchange", ::renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
         }},
        {"rename: a folder into itself",
         [](Answers& a) {
             ::mkdir("d", 0755);
             a.tell("rename", ::rename("d", "d/e"));
         }},
        {"rename: to another file system",
         [](Answers& a) {
             put("a");
             a.tell("rename", ::rename("a", "/dev/shm/understudy-never-there"));
             a.tell("link", ::link("a", "/dev/shm/understudy-never-there"));
         }},
        {"open: O_TMPFILE",
         [](Answers& a) {
             a.tell("open", io::UniqueFd(::open(".", O_TMPFILE | O_RDWR, 0644)).valid() ? 0 : -1);
         }},
        {"open: O_DIRECT", [](Answers& a) { a.tell("open", made(O_RDWR | O_CREAT | O_DIRECT)); }},
        {"open: a program that runs, for writing",
         [](Answers& a) {
             std::error_code failed;
             std::filesystem::copy_file("/bin/sleep", "program", failed);
             ::chmod("program", 0755);
             Child running([] {
                 ::execl("./program", "program", "60", nullptr);
                 return 127;
             });
             std::string own = "/proc/" + std::to_string(running.pid()) + "/exe";
             bool runs = test::eventually([&] {
                 std::error_code unread;
                 return std::filesystem::read_symlink(own, unread).filename() == "program";
             });
             a.note(runs ? "runs" : "doesn't run");
             a.tell("write", open_file(O_WRONLY, "program").valid() ? 0 : -1);
             a.tell("truncate", ::truncate("program", 1));
         }},
        {"open: handles stay good after unlink",
         [](Answers& a) {
             put("file");
             io::UniqueFd file = open_file(O_RDWR);
             a.tell("unlink", ::unlink("file"));
             struct stat status = {};
             a.tell("fstat", ::fstat(file.get(), &status));
             a.note("links " + std::to_string(status.st_nlink));
             a.tell("write", ::write(file.get(), "more", 4));
             a.tell("truncate", ::ftruncate(file.get(), 2));
             a.tell("chmod", ::fchmod(file.get(), 0600));
             char text[8];
             a.tell("read", ::pread(file.get(), text, 8, 0));
             a.tell("sync", ::fsync(file.get()));
         }},
        {"files: read one opened for writing",
         [](Answers& a) {
             put("file");
             char text[4];
             a.tell("read", ::read(open_file(O_WRONLY).get(), text, 4));
         }},
        {"files: write one opened for reading",
         [](Answers& a) {
             put("file");
             a.tell("write", ::write(open_file(O_RDONLY).get(), "x", 1));
             a.tell("truncate", ::ftruncate(open_file(O_RDONLY).get(), 1));
         }},
        {"files: read a folder",
         [](Answers& a) {
             char text[4];
             a.tell("read", ::read(open_file(O_RDONLY, ".").get(), text, 4));
         }},
        {"files: a size past the largest",
         [](Answers& a) {
             io::UniqueFd file = open_file(O_RDWR | O_CREAT);
             a.tell("truncate", ::ftruncate(file.get(), INT64_MAX));
             a.tell("write", ::pwrite(file.get(), "x", 1, INT64_MAX));
         }},
        {"files: reserve space",
         [](Answers& a) {
             io::UniqueFd file = open_file(O_RDWR | O_CREAT);
             a.tell("fallocate", ::fallocate(file.get(), 0, 0, 8192));
         }},
        {"files: punch a hole",
         [](Answers& a) {
             put("file", std::string(20'000, 'x'));
             io::UniqueFd file = open_file(O_RDWR);
             a.tell("fallocate",
                    ::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
         }},
        {"files: seek to a hole",
         [](Answers& a) {
             io::UniqueFd file = open_file(O_RDWR | O_CREAT);
             a.tell("truncate", ::ftruncate(file.get(), 1 << 20));
             a.tell("data", ::lseek(file.get(), 0, SEEK_DATA));
             a.tell("hole", ::lseek(file.get(), 0, SEEK_HOLE));
         }},
        {"files: copy a range",
         [](Answers& a) {
             put("file", std::string(5000, 'x'));
             io::UniqueFd from = open_file(O_RDONLY), to = open_file(O_WRONLY | O_CREAT, "to");
             a.tell("copy", ::copy_file_range(from.get(), nullptr, to.get(), nullptr, 5000, 0));
         }},
        {"locks: of the open file (OFD)", [](Answers& a) { ofd_lock(a, F_OFD_SETLK); }},
        {"locks: flock",
         [](Answers& a) {
             put("file");
             io::UniqueFd one = open_file(O_RDWR), two = open_file(O_RDWR);
             a.tell("one", ::flock(one.get(), LOCK_EX | LOCK_NB));
             a.tell("two", ::flock(two.get(), LOCK_EX | LOCK_NB));
             a.tell("shared", ::flock(one.get(), LOCK_SH | LOCK_NB));
             a.tell("both", ::flock(two.get(), LOCK_SH | LOCK_NB));
         }},
        {"locks: flock and fcntl don't meet",
         [](Answers& a) {
             put("file");
             io::UniqueFd one = open_file(O_RDWR), two = open_file(O_RDWR);
             a.tell("flock", ::flock(one.get(), LOCK_EX | LOCK_NB));
             struct flock lock = {};
             lock.l_type = F_WRLCK;
             a.tell("fcntl", ::fcntl(two.get(), F_SETLK, &lock));
         }},
        {"locks: a write lock of a file opened for reading",
         [](Answers& a) {
             put("file");
             io::UniqueFd file = open_file(O_RDONLY);
             struct flock lock = {};
             lock.l_type = F_WRLCK;
             a.tell("fcntl", ::fcntl(file.get(), F_SETLK, &lock));
         }},
        {"locks: a lease",
         [](Answers& a) {
             put("file");
             io::UniqueFd file = open_file(O_RDONLY);
             a.tell("lease", ::fcntl(file.get(), F_SETLEASE, F_RDLCK));
         }},
        {"events: inotify of what is done here",
         [](Answers& a) {
             io::UniqueFd watch(::inotify_init1(IN_NONBLOCK));
             a.tell("watch", ::inotify_add_watch(watch.get(), ".", IN_CREATE));
             put("file");
             alignas(8) char event[512];
             a.note(::read(watch.get(), event, sizeof event) > 0 ? "told" : "not told");
         }},
        {"links: a target of 4095 bytes",
         [](Answers& a) {
             a.tell("symlink", ::symlink(std::string(4095, 't').c_str(), "s"));
             std::array<char, 5000> target;
             a.tell("readlink", ::readlink("s", target.data(), target.size()));
         }},
        {"links: to a folder",
         [](Answers& a) {
             ::mkdir("d", 0755);
             a.tell("link", ::link("d", "e"));
         }},
        {"folders: the longest name",
         [](Answers& a) {
             struct statvfs status = {};
             a.tell("statvfs", ::statvfs(".", &status));
             a.note("name " + std::to_string(status.f_namemax));
         }},
        {"flags: append only (chattr)",
         [](Answers& a) {
             put("file");
             io::UniqueFd file = open_file(O_RDONLY);
             int flags = 0;
             a.tell("get", ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0 ? -1 : 0);
         }},
    };
}

}  // namespace understudy::files::testing
