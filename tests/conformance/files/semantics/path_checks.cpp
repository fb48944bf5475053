// SPDX-License-Identifier: Apache-2.0
// Every operation that takes a path, on every kind of path that has an error code of its own.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>

#include "base/io/unique_fd.hpp"
#include "check.hpp"

namespace understudy::files::testing {

namespace {

struct PathOperation {
    const char* name;
    long (*run)(const char* path);
};

long opened(int fd) {
    return io::UniqueFd(fd).valid() ? 0 : -1;
}

const PathOperation operations[] = {
    {"open", [](const char* p) { return opened(::open(p, O_RDONLY | O_NONBLOCK | O_CLOEXEC)); }},
    {"open for writing", [](const char* p) { return opened(::open(p, O_WRONLY | O_NONBLOCK | O_CLOEXEC)); }},
    {"open as a folder", [](const char* p) { return opened(::open(p, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }},
    {"open without following",
     [](const char* p) { return opened(::open(p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)); }},
    {"create",
     [](const char* p) { return opened(::open(p, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644)); }},
    {"create anew",
     [](const char* p) { return opened(::open(p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)); }},
    {"open and truncate",
     [](const char* p) { return opened(::open(p, O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC)); }},
    {"mkdir", [](const char* p) { return long{::mkdir(p, 0755)}; }},
    {"rmdir", [](const char* p) { return long{::rmdir(p)}; }},
    {"unlink", [](const char* p) { return long{::unlink(p)}; }},
    {"rename from", [](const char* p) { return long{::rename(p, "new")}; }},
    {"rename a file to", [](const char* p) { return long{::rename("a file", p)}; }},
    {"rename a folder to", [](const char* p) { return long{::rename("a folder", p)}; }},
    {"link from", [](const char* p) { return long{::link(p, "new")}; }},
    {"link to", [](const char* p) { return long{::link("a file", p)}; }},
    {"symlink at", [](const char* p) { return long{::symlink("target", p)}; }},
    {"readlink",
     [](const char* p) {
         char target[64];
         return long{::readlink(p, target, sizeof target)};
     }},
    {"mkfifo", [](const char* p) { return long{::mkfifo(p, 0644)}; }},
    {"stat",
     [](const char* p) {
         struct stat status = {};
         return long{::stat(p, &status)};
     }},
    {"lstat",
     [](const char* p) {
         struct stat status = {};
         return long{::lstat(p, &status)};
     }},
    {"access", [](const char* p) { return long{::access(p, R_OK)}; }},
    {"chmod", [](const char* p) { return long{::chmod(p, 0640)}; }},
    {"chown to its owner", [](const char* p) { return long{::chown(p, 0, 0)}; }},
    {"truncate", [](const char* p) { return long{::truncate(p, 2)}; }},
    {"truncate to a negative size", [](const char* p) { return long{::truncate(p, -1)}; }},
    {"utimens", [](const char* p) { return long{::utimensat(AT_FDCWD, p, nullptr, 0)}; }},
    {"opendir",
     [](const char* p) {
         DIR* directory = ::opendir(p);
         if (directory != nullptr) ::closedir(directory);
         return long{directory == nullptr ? -1 : 0};
     }},
    {"setxattr", [](const char* p) { return long{::setxattr(p, "user.a", "v", 1, 0)}; }},
    {"getxattr",
     [](const char* p) {
         char value[8];
         return long{::getxattr(p, "user.none", value, sizeof value)};
     }},
    {"statfs",
     [](const char* p) {
         struct statvfs status = {};
         return long{::statvfs(p, &status)};
     }},
    {"execute",
     [](const char* p) {
         char* none[] = {nullptr};
         return long{::execve(p, none, none)};
     }},
};

struct PathKind {
    const char* name;
    std::string path;
};

std::vector<PathKind> kinds() {
    return {
        {"a file", "file"},
        {"a folder", "folder"},
        {"a folder that isn't empty", "full"},
        {"a FIFO", "fifo"},
        {"a link to a file", "to-file"},
        {"a link to a folder", "to-folder"},
        {"a link to nothing", "to-nothing"},
        {"a link to itself", "loop"},
        {"a name below a link to itself", "loop/x"},
        {"a missing name", "missing"},
        {"a name in a missing folder", "missing/x"},
        {"a name below a file", "file/x"},
        {"a file with a slash after it", "file/"},
        {"a folder with a slash after it", "folder/"},
        {"a missing name with a slash after it", "missing/"},
        {"a link to a folder with a slash after it", "to-folder/"},
        {"a name of 255 bytes", std::string(255, 'n')},
        {"a name of 256 bytes", std::string(256, 'n')},
        {"a name of 256 bytes in a folder", "folder/" + std::string(256, 'n')},
        {"a path of 4096 bytes", std::string(4096, '/') + "x"},
        {"an empty path", ""},
        {"the folder's own dot", "folder/."},
        {"the parent's dots", "full/inner/.."},
        {"the working folder", "."},
    };
}

}  // namespace

std::vector<Check> path_checks() {
    std::vector<Check> checks;
    for (const PathOperation& operation : operations)
        for (const PathKind& kind : kinds()) {
            auto work = [&operation, path = kind.path](Answers& answers) {
                put("a file"), put("file");
                ::mkdir("a folder", 0755), ::mkdir("folder", 0755);
                ::mkdir("full", 0755), ::mkdir("full/inner", 0755);
                ::mkfifo("fifo", 0644);
                (void)!::symlink("file", "to-file");
                (void)!::symlink("folder", "to-folder");
                (void)!::symlink("nothing", "to-nothing");
                (void)!::symlink("loop", "loop");
                answers.tell("result", operation.run(path.c_str()));
            };
            checks.push_back({std::string(operation.name) + ": " + kind.name, work});
        }
    return checks;
}

}  // namespace understudy::files::testing
