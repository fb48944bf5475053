// SPDX-License-Identifier: Apache-2.0
// Runs the tests in user (when not root), mount, network and PID namespaces of their own: whatever a test
// leaves running dies with the program. Process 1 there only collects orphans, since libvirt takes a QEMU
// that no one has waited for to be alive.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "base/io/unique_fd.hpp"
#include "sandbox.hpp"

namespace understudy::vmctl {
namespace {

std::string& failure() {
    static std::string text;
    return text;
}
std::string& tap() {
    static std::string device;
    return device;
}

bool check(int result, const char* step) {
    if (result == 0 || !failure().empty()) return failure().empty();
    failure() = std::string(step) + ": " + std::strerror(errno);
    return false;
}

// Mapped to itself, so that libvirt runs its unprivileged driver.
void enter_user_namespace() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (user == 0 || !check(::unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)")) return;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
    std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
}

void mount_private() {
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "making mounts private");
    check(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mounting /proc");
    check(::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"), "mounting /run");
    ::setenv("XDG_RUNTIME_DIR", "/run", 1);
}

void make_tap() {
    const io::UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    std::strncpy(request.ifr_name, "tap-test", IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (!tun.valid() || ::ioctl(tun.get(), TUNSETIFF, &request) != 0 ||
        ::ioctl(tun.get(), TUNSETPERSIST, 1) != 0)
        return;
    const io::UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    request.ifr_flags = IFF_UP;
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0) tap() = request.ifr_name;
}

int exit_status_of(pid_t child, bool reap_orphans) {
    for (int status = 0;;) {
        const pid_t ended = ::waitpid(reap_orphans ? -1 : child, &status, 0);
        if (ended < 0 && errno != EINTR) return 1;
        if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

int run_tests() {
    if (failure().empty()) make_tap();
    return RUN_ALL_TESTS();
}

// The first process of the PID namespace; ends it, and with it all that is left, when the tests end.
int run_init() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (failure().empty()) mount_private();
    const pid_t tests = ::fork();
    if (tests == 0) std::exit(run_tests());
    return exit_status_of(tests, true);
}

}  // namespace

const std::string& sandbox_failure() {
    return failure();
}
const std::string& tap_device() {
    return tap();
}

}  // namespace understudy::vmctl

int main(int argc, char** argv) {
    using namespace understudy::vmctl;
    testing::InitGoogleTest(&argc, argv);
    enter_user_namespace();
    if (failure().empty()) check(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID), "unshare");
    if (!failure().empty()) return RUN_ALL_TESTS();  // to say in each test's words why it can't run
    const pid_t init = ::fork();
    if (init == 0) ::_exit(run_init());
    return exit_status_of(init, false);
}
