// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/namespace_refusal.hpp"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>

namespace understudy::vmctl {

namespace {

std::optional<long> number_in(const char* path) {
    std::ifstream file(path);
    long value = 0;
    if (!(file >> value)) return std::nullopt;
    return value;
}

std::string status_field(const std::string& name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name + ":")) return line.substr(line.find_last_of(" \t") + 1);
    }
    return "";
}

struct Diagnosis {
    std::string reason;
    std::string remedy;
};

Diagnosis diagnose(int errno_value) {
    if (number_in("/proc/sys/user/max_user_namespaces").value_or(1) == 0) {
        return {"user.max_user_namespaces is 0", "run: sudo sysctl user.max_user_namespaces=15000"};
    }
    if (errno_value == ENOSPC) {
        return {"a limit on namespaces is reached", "raise the limits in /proc/sys/user/max_*_namespaces"};
    }
    if (geteuid() != 0 && number_in("/proc/sys/kernel/unprivileged_userns_clone").value_or(1) == 0) {
        return {"kernel.unprivileged_userns_clone is 0",
                "run: sudo sysctl kernel.unprivileged_userns_clone=1"};
    }
    if (geteuid() != 0 &&
        number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or(0) != 0) {
        return {"AppArmor restricts user namespaces of ordinary users",
                "run: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"};
    }
    if (status_field("Seccomp") == "2") {
        return {"a seccomp filter of this container forbids it",
                "start the container with --security-opt seccomp=unconfined and --cap-add SYS_ADMIN, or "
                "--privileged"};
    }
    if (geteuid() == 0) {
        return {"root here lacks the capability (a container?)",
                "start the container with --privileged, or run as an ordinary user"};
    }
    if (errno_value == EINVAL || errno_value == ENOSYS) {
        return {"the kernel was built without it",
                "use a kernel with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS"};
    }
    return {"forbidden", "run as root, or outside of the container or chroot"};
}

}  // namespace

Error namespace_refusal(const std::string& step, int errno_value) {
    if (errno_value != EPERM && errno_value != EACCES && errno_value != ENOSPC && errno_value != EUSERS &&
        errno_value != EINVAL && errno_value != ENOSYS) {
        return system_error(step, errno_value, ErrorKind::environment);
    }
    Error error = system_error(step, errno_value, ErrorKind::environment);
    Diagnosis found = diagnose(errno_value);
    error.reason += ": " + found.reason;
    error.remedy = std::move(found.remedy);
    return error;
}

}  // namespace understudy::vmctl
