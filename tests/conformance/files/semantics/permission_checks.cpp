// SPDX-License-Identifier: Apache-2.0
// What another user may do with root's files, and what with those made by itself.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>

#include "base/io/unique_fd.hpp"
#include "check.hpp"

namespace understudy::files::testing {

namespace {

long opened(const char* path, int flags) {
    return io::UniqueFd(::open(path, flags | O_CLOEXEC, 0644)).valid() ? 0 : -1;
}

// In a folder of `folder_mode`, on a file of `file_mode`, as another user.
Check with_modes(unsigned folder_mode, unsigned file_mode) {
    char name[96];
    std::snprintf(name, sizeof name, "another user, folder %04o, file %04o", folder_mode, file_mode);
    auto work = [=](Answers& answers) {
        ::mkdir("d", 0777);
        put("d/file"), put("d/gone"), put("mine");
        ::mkdir("d/sub", 0777);
        ::chmod("d/file", file_mode), ::chmod("d/gone", file_mode);
        ::chmod("mine", 0666);
        ::chmod("d", folder_mode);
        become_another_user();
        answers.tell("read", opened("d/file", O_RDONLY));
        answers.tell("write", opened("d/file", O_WRONLY));
        answers.tell("truncate", ::truncate("d/file", 1));
        answers.tell("list", opened("d", O_RDONLY | O_DIRECTORY));
        struct stat status = {};
        answers.tell("stat", ::stat("d/file", &status));
        answers.tell("access_r", ::access("d/file", R_OK));
        answers.tell("access_w", ::access("d/file", W_OK));
        answers.tell("access_x", ::access("d/file", X_OK));
        answers.tell("chmod", ::chmod("d/file", 0777));
        answers.tell("chown", ::chown("d/file", 65534, 65534));
        answers.tell("now", ::utimensat(AT_FDCWD, "d/file", nullptr, 0));
        timespec given[2] = {{1, 0}, {1, 0}};
        answers.tell("utimens", ::utimensat(AT_FDCWD, "d/file", given, 0));
        answers.tell("create", opened("d/new", O_RDWR | O_CREAT));
        answers.tell("mkdir", ::mkdir("d/newdir", 0755));
        answers.tell("mkfifo", ::mkfifo("d/fifo", 0644));
        answers.tell("symlink", ::symlink("x", "d/symlink"));
        answers.tell("link", ::link("mine", "d/link"));
        answers.tell("rename_in", ::rename("mine", "d/mine"));
        answers.tell("rename_out", ::rename("d/file", "out"));
        answers.tell("rename_onto", ::rename("d/gone", "d/file"));
        answers.tell("unlink", ::unlink("d/gone"));
        answers.tell("rmdir", ::rmdir("d/sub"));
    };
    return {name, work};
}

}  // namespace

std::vector<Check> permission_checks() {
    std::vector<Check> checks;
    for (unsigned folder : {0777U, 0755U, 0711U, 0744U, 0700U, 01777U, 0733U})
        for (unsigned file : {0666U, 0644U, 0600U, 0622U, 0755U}) checks.push_back(with_modes(folder, file));
    checks.push_back({"xattr: another user, by the file's mode", [](Answers& answers) {
                          put("yes"), put("no");
                          ::chmod("yes", 0666), ::chmod("no", 0600);
                          become_another_user();
                          answers.tell("yes", ::setxattr("yes", "user.a", "v", 1, 0));
                          answers.tell("no", ::setxattr("no", "user.a", "v", 1, 0));
                          answers.tell("get", ::getxattr("no", "user.a", nullptr, 0));
                          answers.tell("list", ::listxattr("no", nullptr, 0));
                      }});
    checks.push_back({"another user's own file: owner", [](Answers& answers) {
                          become_another_user();
                          put("own");
                          struct stat status = {};
                          answers.tell("stat", ::stat("own", &status));
                          answers.note("uid " + std::to_string(status.st_uid));
                          answers.note("gid " + std::to_string(status.st_gid));
                      }});
    checks.push_back({"another user's own file: chmod", [](Answers& answers) {
                          become_another_user();
                          put("own");
                          answers.tell("chmod", ::chmod("own", 0600));
                      }});
    checks.push_back({"another user's own file: read after creating it without that right", [](Answers& a) {
                          become_another_user();
                          io::UniqueFd made(::open("own", O_RDWR | O_CREAT | O_EXCL, 0000));
                          a.tell("created", made.valid() ? 0 : -1);
                          a.tell("write", ::write(made.get(), "x", 1));
                          a.tell("again", opened("own", O_RDONLY));
                      }});
    checks.push_back({"another user's own file: unlink in a sticky folder", [](Answers& answers) {
                          ::chmod(".", 01777);
                          become_another_user();
                          put("own");
                          answers.tell("unlink", ::unlink("own"));
                      }});
    checks.push_back({"root: chown to another user", [](Answers& answers) {
                          put("file");
                          answers.tell("chown", ::chown("file", 65534, 65534));
                          struct stat status = {};
                          ::stat("file", &status);
                          answers.note("uid " + std::to_string(status.st_uid));
                      }});
    checks.push_back({"root: set-user-id is dropped by another user's write", [](Answers& answers) {
                          put("file", "text", 04777);
                          ::chmod("file", 04777);
                          become_another_user();
                          io::UniqueFd file(::open("file", O_WRONLY));
                          answers.tell("write", ::write(file.get(), "x", 1));
                          struct stat status = {};
                          ::stat("file", &status);
                          answers.note("mode " + std::to_string(status.st_mode & 07777));
                      }});
    checks.push_back({"root: set-group-id of a folder is inherited", [](Answers& answers) {
                          ::mkdir("d", 0777);
                          ::chmod("d", 02777);
                          ::mkdir("d/e", 0755);
                          struct stat status = {};
                          ::stat("d/e", &status);
                          answers.note("mode " + std::to_string(status.st_mode & 07777));
                      }});
    checks.push_back({"root: the umask is applied", [](Answers& answers) {
                          ::umask(027);
                          put("file", "x", 0666);
                          ::mkdir("d", 0777);
                          struct stat status = {};
                          ::stat("file", &status);
                          answers.note("file " + std::to_string(status.st_mode & 07777));
                          ::stat("d", &status);
                          answers.note("folder " + std::to_string(status.st_mode & 07777));
                      }});
    return checks;
}

}  // namespace understudy::files::testing
