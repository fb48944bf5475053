// SPDX-License-Identifier: Apache-2.0
// Which times of a file and of its folder an operation moves. Before it, all are made old, as far as they can
// be set; the change time is waited past.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/io/unique_fd.hpp"
#include "check.hpp"
#include "tests/integration/storage_files/programs.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {

namespace {

struct Times {
    explicit Times(const char* path) {
        struct stat status = {};
        there = ::lstat(path, &status) == 0;
        access = status.st_atim, modify = status.st_mtim, change = status.st_ctim;
    }
    bool there = false;
    timespec access, modify, change;
};

bool later(const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

std::string moved(const Times& before, const Times& after) {
    if (!after.there) return "gone";
    std::string text;
    if (later(after.access, before.access)) text += "a";
    if (later(after.modify, before.modify)) text += "m";
    if (later(after.change, before.change)) text += "c";
    return text.empty() ? "-" : text;
}

Check moves(const char* key, std::function<long()> operation) {
    auto work = [operation](Answers& answers) {
        ::mkdir("d", 0777), ::mkdir("e", 0777), ::mkdir("d/sub", 0777);
        put("d/file"), put("d/other");
        (void)!::symlink("file", "d/symlink");
        timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
        for (const char* path : {"d/file", "d/other", "d/symlink", "d/sub", "d", "e"})
            ::utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW);
        Times newest("e");
        // The clock of the files is coarse: the operation must come a tick later.
        bool passed = test::eventually([&] {
            put("tick");
            return later(Times("tick").change, newest.change);
        });
        if (!passed) return answers.note("the clock stands still");
        Times file("d/file"), other("d/other"), sub("d/sub"), d("d"), e("e");
        answers.tell("result", operation());
        answers.note("file:" + moved(file, Times("d/file")));
        answers.note("other:" + moved(other, Times("d/other")));
        answers.note("sub:" + moved(sub, Times("d/sub")));
        answers.note("folder:" + moved(d, Times("d")));
        answers.note("second:" + moved(e, Times("e")));
    };
    return {std::string("times: ") + key, work};
}

long with_file(int flags, const std::function<long(int)>& use) {
    io::UniqueFd file(::open("d/file", flags | O_CLOEXEC, 0644));
    return file.valid() ? use(file.get()) : -1;
}

}  // namespace

std::vector<Check> time_checks() {
    return {
        moves("read",
              [] {
                  return with_file(O_RDONLY, [](int fd) {
                      char text[8];
                      return long{::read(fd, text, sizeof text)};
                  });
              }),
        moves("open and close", [] { return with_file(O_RDWR, [](int) { return 0L; }); }),
        moves("write", [] { return with_file(O_WRONLY, [](int fd) { return long{::write(fd, "x", 1)}; }); }),
        moves("write nothing",
              [] { return with_file(O_WRONLY, [](int fd) { return long{::write(fd, "", 0)}; }); }),
        moves(
            "append",
            [] { return with_file(O_WRONLY | O_APPEND, [](int fd) { return long{::write(fd, "x", 1)}; }); }),
        moves("open with truncation", [] { return with_file(O_WRONLY | O_TRUNC, [](int) { return 0L; }); }),
        moves("truncate shorter", [] { return long{::truncate("d/file", 1)}; }),
        moves("truncate longer", [] { return long{::truncate("d/file", 100)}; }),
        moves("truncate to the same size", [] { return long{::truncate("d/file", 4)}; }),
        moves("ftruncate to the same size",
              [] { return with_file(O_WRONLY, [](int fd) { return long{::ftruncate(fd, 4)}; }); }),
        moves("chmod", [] { return long{::chmod("d/file", 0600)}; }),
        moves("chmod of a folder", [] { return long{::chmod("d", 0755)}; }),
        moves("link", [] { return long{::link("d/file", "e/link")}; }),
        moves("unlink", [] { return long{::unlink("d/other")}; }),
        moves("unlink one of two names",
              [] { return ::link("d/file", "link") != 0 ? -1L : long{::unlink("link")}; }),
        moves("symlink", [] { return long{::symlink("x", "d/new")}; }),
        moves("mkdir", [] { return long{::mkdir("d/new", 0755)}; }),
        moves("rmdir", [] { return long{::rmdir("d/sub")}; }),
        moves("create", [] { return io::UniqueFd(::creat("d/new", 0644)).valid() ? 0L : -1L; }),
        moves("create what is there",
              [] { return io::UniqueFd(::open("d/file", O_RDWR | O_CREAT, 0644)).valid() ? 0L : -1L; }),
        moves("mkfifo", [] { return long{::mkfifo("d/new", 0644)}; }),
        moves("rename within a folder", [] { return long{::rename("d/file", "d/new")}; }),
        moves("rename between folders", [] { return long{::rename("d/other", "e/other")}; }),
        moves("rename onto a file", [] { return long{::rename("d/file", "d/other")}; }),
        moves("rename of a folder between folders", [] { return long{::rename("d/sub", "e/sub")}; }),
        moves("rename onto itself", [] { return long{::rename("d/file", "d/file")}; }),
        moves("utimens, access only",
              [] {
                  timespec times[2] = {{2'000'000'000, 5}, {0, UTIME_OMIT}};
                  return long{::utimensat(AT_FDCWD, "d/file", times, 0)};
              }),
        moves("utimens, modification only",
              [] {
                  timespec times[2] = {{0, UTIME_OMIT}, {2'000'000'000, 5}};
                  return long{::utimensat(AT_FDCWD, "d/file", times, 0)};
              }),
        moves("utimens, both now", [] { return long{::utimensat(AT_FDCWD, "d/file", nullptr, 0)}; }),
        moves("utimens, neither",
              [] {
                  timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
                  return long{::utimensat(AT_FDCWD, "d/file", times, 0)};
              }),
        moves("utimens through a link",
              [] {
                  timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
                  return long{::utimensat(AT_FDCWD, "d/symlink", times, 0)};
              }),
    };
}

}  // namespace understudy::files::testing
