// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/guest_init.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {
namespace {

constexpr int port_wait_ms = 5000;
constexpr int poll_period_ms = 5;

void complain(const std::string& subject) {
    std::fprintf(stderr, "understudy-agent: %s: %s (%d)\n", subject.c_str(), std::strerror(errno), errno);
}

void mount_at(const char* type, const char* target, unsigned long flags, const char* options) {
    ::mkdir(target, 0755);
    // The kernel may have mounted devtmpfs itself.
    if (::mount(type, target, type, flags, options) != 0 && errno != EBUSY)
        complain(std::string("mount ") + target);
}

void insert_modules() {
    std::ifstream list("/etc/understudy/modules");
    std::string path;
    while (std::getline(list, path)) {
        const io::UniqueFd module(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!module.valid() || (::syscall(SYS_finit_module, module.get(), "", 0) != 0 && errno != EEXIST))
            complain(path);
    }
}

// Memory that the guest freed goes back to the machine that runs it, in pieces of 2^order pages: the kernel's
// own choice, 2 MiB, would find hardly any in a small guest. Read when the first report is made, two seconds
// after the balloon's module registered, which sets it.
void report_free_memory_in_small_pieces() {
    const char* const order = "/sys/module/page_reporting/parameters/page_reporting_order";
    if (::access(order, F_OK) != 0) return;  // a kernel that reports none
    std::ofstream file(order);
    file << 4 << std::endl;
    if (!file) complain(order);
}

}  // namespace

void initialise_guest() {
    mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
    const int console = ::open("/dev/console", O_RDWR | O_CLOEXEC);
    for (int standard = 0; console >= 0 && standard < 3; ++standard) ::dup2(console, standard);
    mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
    mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
    mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
    ::setenv("PATH", "/opt/understudy/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    ::setenv("HOME", "/root", 1);
    ::setenv("TERM", "linux", 1);
    insert_modules();
    report_free_memory_in_small_pieces();
}

Result<std::string> find_virtio_port(const std::string& name) {
    for (int waited = 0; waited <= port_wait_ms; waited += poll_period_ms) {
        std::error_code ignored;
        for (const auto& port : std::filesystem::directory_iterator("/sys/class/virtio-ports", ignored)) {
            std::ifstream file(port.path() / "name");
            std::string found;
            std::getline(file, found);
            const std::string device = "/dev/" + port.path().filename().string();
            if (found == name && ::access(device.c_str(), R_OK | W_OK) == 0) return device;
        }
        ::poll(nullptr, 0, poll_period_ms);
    }
    return Error(ErrorKind::environment, "virtio port " + name, "did not appear").with_number(port_wait_ms);
}

void power_off_guest() {
    ::sync();
    ::reboot(RB_POWER_OFF);
    std::_Exit(1);  // the kernel panics, which is the last resort of a process 1
}

}  // namespace understudy::vmctl
