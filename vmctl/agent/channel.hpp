// SPDX-License-Identifier: Apache-2.0
// The agent's end of the stream to the supervisor: opens sessions (core/codec.hpp), queues what is to be sent
// and decodes what comes. It never blocks: what does not fit waits, bounded: logs are dropped first, then
// events, and both are counted. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/time.hpp"
#include "vmctl/agent/core/codec.hpp"

namespace understudy::vmctl {

class Channel {
  public:
    // `closes_for_good`: the stream's end is the supervisor's (a pod); else a new one may come (a VM's port).
    Channel(io::UniqueFd stream, bool closes_for_good)
        : stream_(std::move(stream)), closes_for_good_(closes_for_good) {}

    void open_session(bool fresh, Instant now);
    void send(const Message& message);

    int descriptor() const { return stream_.get(); }
    bool wants_to_write() const { return !queue_.empty(); }
    bool congested() const { return queued_bytes_ > congestion_bytes; }
    bool closed() const { return closed_; }

    // Reads what is there; the messages of the session.
    std::vector<Message> read(bool fresh, Instant now);
    void write();
    // Repeats the greeting until the supervisor answers.
    void on_timeout(bool fresh, Instant now);
    std::optional<Instant> next_greeting() const;

  private:
    static constexpr std::size_t congestion_bytes = 1 << 20;
    static constexpr std::size_t most_log_bytes = 2 << 20;
    static constexpr std::size_t most_event_bytes = 6 << 20;

    void greet(bool fresh, Instant now);

    io::UniqueFd stream_;
    bool closes_for_good_;
    bool closed_ = false;
    bool in_session_ = false;
    std::uint64_t session_ = 0;
    Decoder decoder_;
    Instant greet_again_{};
    std::deque<std::string> queue_;
    std::size_t written_of_first_ = 0;
    std::size_t queued_bytes_ = 0;
    std::uint64_t dropped_logs_ = 0;
    std::uint64_t dropped_events_ = 0;
};

}  // namespace understudy::vmctl
