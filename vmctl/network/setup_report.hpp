// SPDX-License-Identifier: Apache-2.0
// What the processes that set up a sandbox or a pod say on a pipe, a line each: "pid N" of its first process,
// "ready", or an Error. In a header: a pod's starter links nothing else of the network.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "vmctl/network/core/error_line.hpp"

namespace understudy::vmctl {

struct SetupLimit {
    const char* subject;
    const char* when_over;
    int milliseconds;
};

// Reads until every process has closed the pipe. Error kind timeout when they are silent for too long.
inline Result<std::string> read_setup_report(int pipe, const SetupLimit& limit) {
    std::string text;
    while (true) {
        pollfd waiting{pipe, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, limit.milliseconds);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0)
            return Error(ErrorKind::timeout, limit.subject, limit.when_over).with_number(limit.milliseconds);
        std::array<char, 4096> buffer{};
        const ssize_t count = ready < 0 ? -1 : ::read(pipe, buffer.data(), buffer.size());
        if (count < 0) return system_error(limit.subject, errno);
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

struct SetupReport {
    pid_t first_process = -1;
    bool ready = false;
    std::optional<Error> error;
};

inline SetupReport parse_setup_report(const std::string& text) {
    SetupReport report;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string line = text.substr(start, end - start);
        if (line.starts_with("pid ")) {
            report.first_process = std::atoi(line.c_str() + 4);
        } else if (line == "ready") {
            report.ready = true;
        } else {
            report.error = error_from_line(line);
        }
        start = end + 1;
    }
    return report;
}

inline void wait_for(pid_t child) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace understudy::vmctl
