// SPDX-License-Identifier: Apache-2.0
#include "vmctl/pods/pod_processes.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

namespace understudy::vmctl {

namespace {

constexpr auto freeze_limit = std::chrono::seconds(2);

// The state letter of /proc/PID/stat; 'X' when the process is gone. The name before it may hold any
// character.
char state_of(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(')');
    return end == std::string::npos || end + 2 >= line.size() ? 'X' : line[end + 2];
}

bool is_still(char state) {
    return state == 'T' || state == 't' || state == 'Z' || state == 'X';
}

}  // namespace

std::uint64_t pid_namespace_of(pid_t pid) {
    struct stat info {};
    return ::stat(fmt::format("/proc/{}/ns/pid", pid).c_str(), &info) == 0 ? info.st_ino : 0;
}

std::vector<pid_t> processes_in(std::uint64_t pid_namespace) {
    std::vector<pid_t> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
    if (!directory) return found;
    while (const dirent* entry = ::readdir(directory.get())) {
        const pid_t pid = std::atoi(entry->d_name);
        if (pid > 0 && pid_namespace_of(pid) == pid_namespace) found.push_back(pid);
    }
    return found;
}

Result<void> stop_all(std::uint64_t pid_namespace) {
    const auto limit = std::chrono::steady_clock::now() + freeze_limit;
    while (true) {
        // A process that was not yet stopped may have forked meanwhile: only a look that finds all still ends
        // it.
        const std::vector<pid_t> all = processes_in(pid_namespace);
        bool still = true;
        for (const pid_t pid : all) {
            if (is_still(state_of(pid))) continue;
            still = false;
            ::kill(pid, SIGSTOP);
        }
        if (still) return {};
        if (std::chrono::steady_clock::now() > limit) {
            continue_all(pid_namespace);
            return Error(ErrorKind::timeout, "pod", "not all of its processes stopped")
                .with_number(static_cast<std::int64_t>(all.size()));
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
}

void continue_all(std::uint64_t pid_namespace) {
    for (const pid_t pid : processes_in(pid_namespace)) ::kill(pid, SIGCONT);
}

}  // namespace understudy::vmctl
