// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/channel.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

#include "base/event.hpp"

namespace understudy::vmctl {
namespace {

constexpr Duration greeting_period = 100ms;

}  // namespace

void Channel::open_session(bool fresh, Instant now) {
    if (::getrandom(&session_, sizeof(session_), 0) != sizeof(session_))
        session_ = static_cast<std::uint64_t>(now.time_since_epoch().count());
    decoder_ = Decoder(session_);
    in_session_ = false;
    greet(fresh, now);
}

void Channel::greet(bool fresh, Instant now) {
    greet_again_ = now + greeting_period;
    // Nothing of an older session may follow the greeting, and a stalled one must not pile up.
    if (!queue_.empty() && written_of_first_ == 0) queue_.clear();
    if (queue_.size() > 1) queue_.erase(queue_.begin() + 1, queue_.end());
    queued_bytes_ = queue_.empty() ? 0 : queue_.front().size();
    std::string bytes = session_marker(session_);
    if (auto hello = encode(Hello{agent_protocol_version, fresh}); hello.has_value()) bytes += *hello;
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    write();
}

void Channel::send(const Message& message) {
    if (!in_session_) return;
    if (std::holds_alternative<LogChunk>(message) && queued_bytes_ > most_log_bytes) {
        ++dropped_logs_;
        return;
    }
    if (std::holds_alternative<EventLine>(message) && queued_bytes_ > most_event_bytes) {
        ++dropped_events_;
        return;
    }
    if ((dropped_logs_ > 0 || dropped_events_ > 0) && !congested()) {
        const Event event{"agent",
                          "events_dropped",
                          "the channel was full",
                          {{"count", static_cast<std::int64_t>(dropped_events_)},
                           {"logs", static_cast<std::int64_t>(dropped_logs_)}}};
        dropped_logs_ = dropped_events_ = 0;
        send(EventLine{"agent", to_json_line(event)});
    }
    auto bytes = encode(message);
    if (bytes.has_error()) return;  // longer than a frame: nobody could read it
    queued_bytes_ += bytes->size();
    queue_.push_back(std::move(*bytes));
    write();
}

std::vector<Message> Channel::read(bool fresh, Instant now) {
    std::vector<Message> messages;
    char bytes[65536];
    const ssize_t count = ::read(stream_.get(), bytes, sizeof(bytes));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return messages;
    if (count <= 0) {
        // A VM's port says so while nobody is connected to it on the other side.
        if (closes_for_good_)
            closed_ = true;
        else if (in_session_)
            open_session(fresh, now);
        return messages;
    }
    decoder_.feed({bytes, static_cast<std::size_t>(count)});
    while (auto decoded = decoder_.next()) {
        if (decoded->has_error()) {
            open_session(fresh, now);
            return messages;
        }
        if (std::holds_alternative<SessionStarted>(**decoded))
            in_session_ = true;
        else if (in_session_)
            messages.push_back(std::get<Message>(std::move(**decoded)));
    }
    return messages;
}

void Channel::write() {
    while (!queue_.empty()) {
        const std::string& first = queue_.front();
        const ssize_t count =
            ::write(stream_.get(), first.data() + written_of_first_, first.size() - written_of_first_);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;  // full, or closed: reading tells which
        written_of_first_ += static_cast<std::size_t>(count);
        if (written_of_first_ < first.size()) return;
        queued_bytes_ -= first.size();
        written_of_first_ = 0;
        queue_.pop_front();
    }
}

void Channel::on_timeout(bool fresh, Instant now) {
    if (!in_session_ && now >= greet_again_) greet(fresh, now);
}

std::optional<Instant> Channel::next_greeting() const {
    return in_session_ ? std::nullopt : std::optional(greet_again_);
}

}  // namespace understudy::vmctl
