// SPDX-License-Identifier: Apache-2.0
// understudy-first-init: what the kernel of a VM starts. Mounts the guest's disk (vmctl/image/guest_image.hpp
// says what is where) and becomes the init that is on it. Statically linked: nothing else is there yet. What
// fails is said on the console; without the disk the kernel panics, which ends the domain.
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

constexpr const char* disk = "/dev/vda";  // the only one
constexpr int disk_wait_ms = 5000;
constexpr int poll_period_ms = 5;

// What a program reads of its file is a part, here and there: the kernel's own choice of 128 KiB brings in a
// fifth more than is used (184 against 189 MiB resident a guest), and is not faster.
constexpr const char* read_ahead_file = "/sys/block/vda/queue/read_ahead_kb";
constexpr char read_ahead_kib[] = "32";

void complain(const char* subject) {
    const int failure = errno;
    const int console = ::open("/dev/console", O_WRONLY | O_CLOEXEC);
    if (console < 0) return;
    ::dprintf(console, "understudy-first-init: %s: %s (%d)\n", subject, std::strerror(failure), failure);
    ::close(console);
}

void insert_module(const char* path) {
    const int module = ::open(path, O_RDONLY | O_CLOEXEC);
    if (module < 0 || ::syscall(SYS_finit_module, module, "", 0) != 0) complain(path);
    if (module >= 0) ::close(module);
    ::unlink(path);  // what is in the root file system is in memory
}

// One path a line, in the order of insertion.
void insert_modules(const char* list) {
    char text[4096];
    const int file = ::open(list, O_RDONLY | O_CLOEXEC);
    const ssize_t size = file < 0 ? -1 : ::read(file, text, sizeof text - 1);
    if (file >= 0) ::close(file);
    if (size < 0) return complain(list);
    text[size] = '\0';
    char* rest = text;
    while (const char* path = ::strsep(&rest, "\n"))
        if (*path != '\0') insert_module(path);
}

void wait_for_disk() {
    for (int waited = 0; waited < disk_wait_ms && ::access(disk, F_OK) != 0; waited += poll_period_ms)
        ::poll(nullptr, 0, poll_period_ms);
}

void set_read_ahead() {
    const int file = ::open(read_ahead_file, O_WRONLY | O_CLOEXEC);
    if (file < 0 || ::write(file, read_ahead_kib, sizeof read_ahead_kib - 1) < 0) complain(read_ahead_file);
    if (file >= 0) ::close(file);
}

}  // namespace

int main() {
    // The kernel may have mounted it itself.
    if (::mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") != 0 && errno != EBUSY)
        complain("mount /dev");
    insert_modules("/etc/understudy/disk-modules");
    if (::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        complain("mount /sys");
    wait_for_disk();
    set_read_ahead();
    if (::mount(disk, "/image", "erofs", MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0)
        complain("mount /image");
    char name[] = "/init";
    ::unlink(name);
    char* arguments[] = {name, nullptr};
    ::execv("/sbin/init", arguments);
    complain("/sbin/init");
    return 1;
}
