// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/first_processor.hpp"

#include <charconv>
#include <filesystem>
#include <string>

namespace understudy::vmctl {
namespace {

// Those of the process's threads whose set is `from` get `to`. Returns how many.
int move_threads(const cpu_set_t& from, const cpu_set_t& to) {
    int moved = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator task("/proc/self/task", error), end; !error && task != end;
         task.increment(error)) {
        const std::string name = task->path().filename().string();
        pid_t thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        cpu_set_t allowed;
        CPU_ZERO(&allowed);
        if (::sched_getaffinity(thread, sizeof(allowed), &allowed) != 0 || !CPU_EQUAL(&allowed, &from))
            continue;
        if (::sched_setaffinity(thread, sizeof(to), &to) == 0) ++moved;
    }
    return moved;
}

}  // namespace

OnFirstProcessor::OnFirstProcessor() {
    CPU_ZERO(&before_);
    CPU_ZERO(&first_);
    if (::sched_getaffinity(0, sizeof(before_), &before_) != 0 || CPU_COUNT(&before_) < 2) return;
    int first = 0;
    while (!CPU_ISSET(first, &before_)) ++first;
    CPU_SET(first, &first_);
    moved_ = ::sched_setaffinity(0, sizeof(first_), &first_) == 0;
}

OnFirstProcessor::~OnFirstProcessor() {
    // Again until none is found: one not yet moved may have made another since they were listed. Not for
    // ever: if only the first is left to this process by now, they stay as they are.
    constexpr int most_rounds = 10;
    for (int round = 0; moved_ && round < most_rounds && move_threads(first_, before_) > 0; ++round) {
    }
}

}  // namespace understudy::vmctl
