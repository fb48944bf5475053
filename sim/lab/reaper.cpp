// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/reaper.hpp"

#include <sys/wait.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace understudy::lab {
namespace {

bool is_emulator(const std::filesystem::path& process) {
    std::ifstream file(process / "comm");
    std::string name;
    std::getline(file, name);
    return name.starts_with("qemu");
}

}  // namespace

void Reaper::reap(Instant now) {
    // Cheap when nothing has ended: one call that says so.
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) {
        first_seen_.clear();
        return;
    }
    std::map<pid_t, Instant> still_there;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
        const pid_t pid = static_cast<pid_t>(std::atoi(name.c_str()));
        siginfo_t zombie{};
        if (::waitid(P_PID, static_cast<id_t>(pid), &zombie, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            zombie.si_pid == 0)
            continue;
        const auto seen = first_seen_.find(pid);
        const Instant since = seen == first_seen_.end() ? now : seen->second;
        if (now - since >= (is_emulator(entry.path()) ? emulator_grace : grace))
            ::waitpid(pid, nullptr, WNOHANG);
        else
            still_there[pid] = since;
    }
    first_seen_ = std::move(still_there);
}

}  // namespace understudy::lab
