// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/progress.hpp"

#include <fmt/format.h>

#include "base/io/clock.hpp"
#include "sim/cli/command.hpp"

namespace understudy::cli {

std::string waiting_text(const json::object& status) {
    std::string text;
    const auto* hosts = status.if_contains("hosts");
    if (hosts == nullptr || !hosts->is_array()) return text;
    for (const auto& entry : hosts->get_array()) {
        const auto& host = entry.as_object();
        if (host.at("ready").as_bool()) continue;
        text += fmt::format(
            "{}{} {} {:.1f}s", text.empty() ? "" : ", ", std::string_view(host.at("name").as_string()),
            std::string_view(host.at("state").as_string()), host.at("state_ms").to_number<double>() / 1000);
    }
    return text;
}

ProgressLine::ProgressLine() : terminal_(stdout_is_terminal()), started_(io::monotonic_now()) {}

ProgressLine::~ProgressLine() {
    if (line_open_) fmt::print("\r\x1b[K");
    std::fflush(stdout);
}

void ProgressLine::show(const std::string& line, const json::object* status) {
    if (!terminal_) {
        // Seconds change all the time; a plain line is due when what is waited for changes.
        if (line != last_plain_) fmt::print("{}\n", line);
        last_plain_ = line;
    } else {
        const std::string waiting = status == nullptr ? "" : waiting_text(*status);
        std::string text =
            fmt::format("{:5.1f}s  {}{}{}", to_milliseconds(io::monotonic_now() - started_) / 1000, line,
                        waiting.empty() ? "" : ": ", waiting);
        constexpr std::size_t width = 118;
        if (text.size() > width) text = text.substr(0, width - 1) + "…";
        fmt::print("\r\x1b[K{}", text);
        line_open_ = true;
    }
    std::fflush(stdout);
}

lab::ProgressListener ProgressLine::listener() {
    return [this](const std::string& line, const json::object* status) { show(line, status); };
}

}  // namespace understudy::cli
