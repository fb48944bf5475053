// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/in_child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/io/clock.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::bench {
namespace {

// Until the other end is closed; false when the time is up first.
bool read_all(int pipe, Instant end, std::string& text) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - io::monotonic_now());
        pollfd waiting{pipe, POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready == 0) return false;
        if (ready < 0) continue;
        std::array<char, 1024> buffer;
        const ssize_t size = ::read(pipe, buffer.data(), buffer.size());
        if (size <= 0) return true;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

// Subject and what is wrong with it, a line each.
std::string said(const Error& error) {
    const std::string number = error.number ? fmt::format(" ({})", *error.number) : "";
    return error.subject + "\n" + error.reason + number;
}

}  // namespace

Result<double> in_child(Duration limit, const std::function<Result<double>()>& body) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    io::UniqueFd reading(ends[0]), writing(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return system_error("fork", errno);
    if (child == 0) {
        const auto result = body();
        const std::string text = result.has_value() ? fmt::format("={}", *result) : said(result.error());
        ::_exit(::write(writing.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                                      : 1);
    }
    writing.reset();
    std::string text;
    if (!read_all(reading.get(), io::monotonic_now() + limit, text)) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, WNOHANG);
        return Error(ErrorKind::timeout, "measurement", "took longer than " + format_duration(limit));
    }
    ::waitpid(child, nullptr, 0);
    if (text.starts_with('=')) return std::strtod(text.c_str() + 1, nullptr);
    const std::size_t line = text.find('\n');
    if (line == std::string::npos) return Error(ErrorKind::failed, "measurement", "ended without a result");
    return Error(ErrorKind::failed, text.substr(0, line), text.substr(line + 1));
}

}  // namespace understudy::bench
