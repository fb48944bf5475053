// SPDX-License-Identifier: Apache-2.0
#include "base/io/event_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace understudy::io {
namespace {

int descriptor_from_environment() {
    const char* text = std::getenv("UNDERSTUDY_EVENTS_FD");
    if (text == nullptr) return -1;
    const int descriptor = std::atoi(text);
    return descriptor > 2 && ::fcntl(descriptor, F_GETFD) >= 0 ? descriptor : -1;
}

// What an atomic pipe write may hold (pipe(7), PIPE_BUF): longer lines could interleave with another
// writer's.
constexpr std::size_t longest_line = 4096;

}  // namespace

EventWriter::EventWriter(std::string source)
    : EventWriter(std::move(source), descriptor_from_environment()) {}

EventWriter::EventWriter(std::string source, int descriptor)
    : source_(std::move(source)), descriptor_(descriptor) {
    if (descriptor_ < 0) return;
    ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
    ::fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
}

void EventWriter::report(std::string name, std::string detail,
                         std::map<std::string, AttributeValue> attributes) {
    report(Event{source_, std::move(name), std::move(detail), std::move(attributes)});
}

void EventWriter::report(Event event) {
    if (event.source.empty()) event.source = source_;
    if (descriptor_ < 0) {
        spdlog::info("{}: {}", event.name, event.detail);
        return;
    }
    std::string line = to_json_line(event) + "\n";
    if (line.size() > longest_line) {
        event.detail = event.detail.substr(0, 512) + "…";
        event.attributes.clear();
        line = to_json_line(event) + "\n";
    }
    const std::lock_guard lock(mutex_);
    if (dropped_ > 0 &&
        write_line(
            to_json_line(Event{source_, "events_dropped", "the event pipe was full", {{"count", dropped_}}}) +
            "\n"))
        dropped_ = 0;
    if (!write_line(line)) ++dropped_;
}

bool EventWriter::write_line(const std::string& line) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const ssize_t written = ::write(descriptor_, line.data(), line.size());
        if (written == static_cast<ssize_t>(line.size())) return true;
        if (written < 0 && errno == EINTR) continue;
        if (written >= 0 || errno != EAGAIN) return false;
        pollfd ready{descriptor_, POLLOUT, 0};
        ::poll(&ready, 1, 20);
    }
    return false;
}

}  // namespace understudy::io
