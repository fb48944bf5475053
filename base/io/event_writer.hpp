// SPDX-License-Identifier: Apache-2.0
// Writes events as JSON lines to the descriptor that the host's agent handed down in UNDERSTUDY_EVENTS_FD. A
// network fault can't cut it: it is a pipe, and from a VM the agent carries it over virtio-serial. Without
// that variable (a daemon run alone) events go to the log at level info instead. Threads: report() may be
// called from any. It never blocks for longer than a line takes: when the pipe is full the event is dropped
// and counted, and the count is reported as "events_dropped" with the next that fits.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/event.hpp"

namespace understudy::io {

class EventWriter {
  public:
    // `source` is stamped on events that leave theirs empty.
    explicit EventWriter(std::string source);         // descriptor from the environment
    EventWriter(std::string source, int descriptor);  // not owned; -1: log only

    void report(Event event);
    void report(std::string name, std::string detail, std::map<std::string, AttributeValue> attributes = {});

  private:
    bool write_line(const std::string& line);
    std::string source_;
    int descriptor_;
    std::mutex mutex_;
    std::int64_t dropped_ = 0;
};

}  // namespace understudy::io
